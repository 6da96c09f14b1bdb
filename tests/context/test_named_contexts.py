"""Named contexts are read and sent beside the build context."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachetui.context.build_context import read_context
from cachetui.context.manifest import ContextError
from cachetui.dockerfile.parse import parse
from cachetui.findings.context_files import ContextFiles, files_read
from cachetui.findings.scope import Scope
from tests.context.test_build_context import folder, sent, unpack


def test_it_is_sent_below_its_name_less_what_its_own_ignore_file_excludes(tmp_path: Path) -> None:
    root = folder(tmp_path / "app", _dot_="", own="1")
    (root / ".dockerignore").write_text("kept.log\n")
    data = folder(tmp_path / "data", a="1", sub__b="2", **{"kept.log": "", "x.tmp": ""})
    (data / ".dockerignore").write_text("*.tmp\nDockerfile\n.dockerignore\n")
    (data / "Dockerfile.dockerignore").write_text("a\n")
    os.link(data / "a", data / "hard")
    context = read_context(root, named={"data": data})
    assert {path for path in sent(context) if path.startswith("contexts/")} == {
        *("contexts/data/a", "contexts/data/hard", "contexts/data/kept.log"),
        *("contexts/data/sub/b", "contexts/data/.dockerignore"),
        "contexts/data/Dockerfile.dockerignore",
    }
    assert context.ignore_files["contexts/data/.dockerignore"].startswith("*.tmp")
    out = unpack(context, tmp_path / "out")
    again = read_context(out / "context", named={"data": out / "contexts" / "data"})
    assert again.digest == context.digest


def test_its_content_and_name_are_in_the_digest(tmp_path: Path) -> None:
    root, data = folder(tmp_path / "app"), folder(tmp_path / "data", a="1")
    plain = read_context(root).digest
    first = read_context(root, named={"data": data}).digest
    assert len({plain, first, read_context(root, named={"other": data}).digest}) == 3
    (data / "a").write_text("2")
    assert read_context(root, named={"data": data}).digest != first


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    root, data = folder(tmp_path / "app"), folder(tmp_path / "data")
    (data / ".dockerignore").write_text("[a-\n")
    with pytest.raises(ContextError, match=r"data/\.dockerignore"):
        read_context(root, named={"data": data})
    with pytest.raises(ContextError, match=r"the named context data, .* does not exist"):
        read_context(root, named={"data": tmp_path / "nowhere"})


def read(line: str, tmp_path: Path, *names: str) -> set[str] | None:
    """What BuildKit's instruction sees with the context `data`."""
    root = folder(tmp_path / "app", own="1", a="of the build context")
    data = folder(tmp_path / "data", a="1", sub__b="2", c="3")
    (data / ".dockerignore").write_text("c\n")
    context = read_context(root, named={"data": data})
    files = ContextFiles(context.entries, context.ignore_files, context.dockerfile)
    item = parse(f"FROM base:1\n{line}\n").stages[0].instructions[1]
    found = files_read(files, item, "buildkit", Scope(), names or ("data",))
    return None if found is None else {path for path, one in found.items() if one.kind == "file"}


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("COPY --from=data a /x", {"named context data: a"}),
        ("COPY --from=data sub c /x", {"named context data: sub/b"}),
        (
            "RUN --mount=type=bind,from=data,source=sub,target=/m --mount=type=bind,source=own,"
            "target=/o make",
            {"named context data: sub/b", "own"},
        ),
        ("RUN --mount=type=cache,from=data,target=/m make", None),
        ("COPY a /x", {"a"}),
    ],
)
def test_an_instruction_sees_what_it_names(
    line: str, seen: set[str] | None, tmp_path: Path
) -> None:
    whole = {"named context data: " + p for p in ("a", "sub/b", "Dockerfile", ".dockerignore")}
    assert read(line, tmp_path) == (whole if seen is None else seen)


def test_a_context_that_is_not_among_the_files_is_not_known(tmp_path: Path) -> None:
    assert read("COPY --from=other a /x", tmp_path, "data", "other") is None
