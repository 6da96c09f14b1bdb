"""Files of an image that the context it was built from does not have."""

from __future__ import annotations

import hashlib

import pytest

from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import parse
from cachetui.findings.context_files import ContextFiles, context_of
from cachetui.outputs.foreign_files import CopiedFiles, builder_of, copied_files
from cachetui.records.document import BuildRecord
from tests.outputs.images import Images, buildkit, legacy
from tests.outputs.tars import File

DOCKERFILE = """\
FROM base:1
COPY src /app/
COPY --from=other /x /x
ADD tree.tar /tree/
RUN make
"""
TEXTS = (
    "RUN base",
    "COPY src /app/ # buildkit",
    "COPY /x /x # buildkit",
    "ADD tree.tar /tree/ # buildkit",
    "RUN make # buildkit",
)
BASE: list[File] = [("bin/sh", b"sh")]
REST: list[list[File]] = [[("x", b"x")], [("tree/f", b"f")], [("out", b"out")]]


def context(**files: bytes) -> ContextFiles:
    entries = [Entry("context/src", "dir", 0o755)]
    for name, data in files.items():
        sha = hashlib.sha256(data).hexdigest()
        entries.append(Entry(f"context/src/{name}", "file", 0o644, len(data), sha))
    return ContextFiles(tuple(entries), {}, "context/Dockerfile")


def copied(files: ContextFiles, *layer: File, text: str = DOCKERFILE) -> CopiedFiles:
    images = Images()
    contents = images.contents([BASE, list(layer), *REST], buildkit(*TEXTS))
    build = BuildRecord(name="api", context_digest="sha256:c", dockerfile="Dockerfile")
    bases = {"base:1": contents.digests[:1]}
    return copied_files(contents, build, parse(text), files, lambda d: images.lines[d], bases)


def test_what_was_copied_is_what_the_context_has() -> None:
    found = copied(context(a=b"one", b=b"two"), ("app", None), ("app/a", b"one"), ("app/b", b"two"))
    assert found == CopiedFiles(2, ())


def test_another_builds_file_of_equal_size() -> None:
    files = context(a=b"one", b=b"two")
    other = {"content": b"eno", "mtime": 77}
    (foreign,) = copied(files, ("app/a", other), ("app/b", b"two")).foreign
    assert (foreign.stage_index, foreign.index, foreign.path) == (0, 1, "/app/a")
    assert (foreign.size, foreign.mtime) == (3, 77)
    assert foreign.sha256 == hashlib.sha256(b"eno").hexdigest()
    assert foreign.source == "context/src/a"
    assert foreign.source_sha256 == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("name", ["a", "elsewhere"])
def test_a_file_of_another_size_or_name_has_no_twin(name: str) -> None:
    data = b"longer" if name == "a" else b"eno"
    (foreign,) = copied(context(a=b"one"), (f"app/{name}", data)).foreign
    assert foreign.source is None


def test_what_other_steps_wrote_is_not_held_against_the_context() -> None:
    text = DOCKERFILE.replace("COPY src", "ADD src")
    texts = [one.replace("COPY src", "ADD src") for one in TEXTS]
    images = Images()
    contents = images.contents([BASE, [("app/a", b"eno")], *REST], buildkit(*texts))
    build = BuildRecord(name="api", context_digest="sha256:c", dockerfile="Dockerfile")
    found = copied_files(
        contents, build, parse(text), context(a=b"one"), lambda d: images.lines[d], {}
    )
    assert found == CopiedFiles(0, ())


def test_files_that_are_not_known_are_not_held_against_anything() -> None:
    text = DOCKERFILE.replace("COPY src", "COPY $WHAT")
    assert copied(context(a=b"one"), ("app/a", b"eno"), text=text) == CopiedFiles(0, ())


@pytest.mark.parametrize("data", [b"one", b"eno"])
def test_files_of_a_named_context_are_held_against_it(data: bytes) -> None:
    """Also where the build context has a file of the same name."""
    text = DOCKERFILE.replace("--from=other /x /x", "--from=data conf /conf")
    sha = hashlib.sha256(b"one").hexdigest()
    own = Entry("contexts/data/conf", "file", 0o644, 3, sha)
    other = Entry("context/conf", "file", 0o644, 3, hashlib.sha256(b"eno").hexdigest())
    files = ContextFiles((own, other), {}, "context/Dockerfile")
    images = Images()
    texts = [one.replace("COPY /x /x", "COPY conf /conf") for one in TEXTS]
    layers: list[list[File]] = [[("app/a", b"a")], [("conf", data)], *REST[1:]]
    contents = images.contents([BASE, *layers], buildkit(*texts))
    build = BuildRecord(
        name="api", context_digest="sha256:c", dockerfile="Dockerfile", named_contexts=("data",)
    )
    bases = {"base:1": contents.digests[:1]}
    found = copied_files(contents, build, parse(text), files, lambda d: images.lines[d], bases)
    foreign = [(one.path, one.source_sha256) for one in found.foreign if one.index == 2]
    assert foreign == ([] if data == b"one" else [("/conf", sha)])


def test_who_built_it() -> None:
    images = Images()
    assert builder_of(images.contents([BASE], buildkit("RUN x"))) == "buildkit"
    assert builder_of(images.contents([BASE], legacy("/bin/sh -c x"))) == "legacy"


def test_a_dockerfile_from_elsewhere_has_its_own_ignore_file() -> None:
    build = BuildRecord(name="api", context_digest="sha256:c", dockerfile="Dockerfile")
    inside = context_of([Entry("context/Dockerfile", "file", 0o644)], build, {})
    beside = context_of([Entry("Dockerfile", "file", 0o644)], build, {})
    assert (inside.dockerfile, beside.dockerfile) == ("context/Dockerfile", "Dockerfile")
