"""Stages, references and dependencies of a Dockerfile."""

from __future__ import annotations

import pytest

from cachetui.dockerfile.instruction import clean_path, is_remote, parse_mount
from cachetui.dockerfile.parse import (
    DockerfileError,
    external_images,
    needed_stages,
    parse,
    resolve_target,
)

FILE = """\
# syntax=docker/dockerfile:1.7
ARG TAG=1
ARG BASE=base:${TAG}
FROM --platform=$BUILDPLATFORM ${BASE} AS Build
ENV A=1
RUN --mount=type=cache,target=/root/.npm/ --mount=from=tools,source=/x,target=/t \\
    npm ci
COPY . .
FROM base:1 AS tools
FROM scratch AS last
COPY --from=build /a /a
COPY --from=1 /b /b
COPY --from=other:2 /c /c
FROM last
ADD https://example.invalid/x.tar git@example.invalid:y.git /z/
COPY --link <<EOF f /h/
text
EOF
"""


def test_stages_and_instructions() -> None:
    file = parse(FILE)
    assert file.syntax == "docker/dockerfile:1.7"
    assert [(i.stage_index, i.index, i.line, i.text) for i in file.meta_args] == [
        (-1, 0, 2, "ARG TAG=1"),
        (-1, 1, 3, "ARG BASE=base:${TAG}"),
    ]
    assert [(s.name, s.base, s.base_text, s.base_stage, s.platform) for s in file.stages] == [
        ("build", "base:1", "${BASE}", None, "$BUILDPLATFORM"),
        ("tools", "base:1", "base:1", None, None),
        ("last", "scratch", "scratch", None, None),
        (None, "last", "last", 2, None),
    ]
    assert [s.is_external for s in file.stages] == [True, True, False, False]
    assert file.stages[3].printed_name == "stage-3"
    run = file.instruction(0, 2)
    assert (run.line, run.end_line, run.text) == (
        6,
        7,
        "RUN --mount=type=cache,target=/root/.npm/ --mount=from=tools,source=/x,target=/t "
        "    npm ci",
    )
    cache, bind = run.mounts
    assert (cache.type, cache.id, cache.sharing, cache.readonly) == (
        "cache", "/root/.npm", "shared", False,
    )  # fmt: skip
    assert (bind.type, bind.from_, bind.from_stage, bind.readonly) == ("bind", "tools", 1, True)
    assert [file.instruction(2, i).copy_from for i in (1, 2, 3)] == [0, 1, "other:2"]
    assert file.uses_mounts
    assert file.uses_cache_mounts
    assert file.uses_heredoc
    assert file.copy_link
    assert file.remote_add
    copy = file.instruction(3, 2)
    assert (copy.sources, copy.dest, copy.heredocs[0].content) == (("f",), "/h/", "text\n")
    assert file.instruction(3, 1).remote_sources == (
        "https://example.invalid/x.tar",
        "git@example.invalid:y.git",
    )


def test_what_a_target_needs() -> None:
    file = parse(FILE)
    assert file.depends_on(0) == {1}
    assert needed_stages(file) == {0, 1, 2, 3}
    assert needed_stages(file, "BUILD") == {0, 1}
    assert needed_stages(file, "tools") == {1}


def test_external_images() -> None:
    file = parse(FILE)
    assert external_images(file) == ("base:1", "other:2")
    assert external_images(file, "tools") == ("base:1",)
    assert external_images(file, None, {"TAG": "9"}) == ("base:9", "base:1", "other:2")
    unused = parse("FROM a AS x\nFROM b-${TARGETARCH}\n")
    assert external_images(unused) == ("b-$TARGETARCH",)
    assert external_images(unused, None, {"TARGETARCH": "arm64"}) == ("b-arm64",)
    assert external_images(unused, all_stages=True) == ("a", "b-$TARGETARCH")


def test_targets() -> None:
    file = parse("FROM a AS one\nFROM b\nFROM c AS two\n")
    assert resolve_target(file, None) == 2
    assert resolve_target(file, "") == 2
    assert resolve_target(file, "One") == 0
    with pytest.raises(DockerfileError, match="no stage 'three'; stages: one, two"):
        resolve_target(file, "three")
    with pytest.raises(DockerfileError, match="a stage's name, not its number"):
        resolve_target(file, "1")


def test_a_name_used_twice_means_the_last_before() -> None:
    file = parse("FROM a AS x\nFROM x AS x\nFROM x\nCOPY --from=x / /\n")
    assert [stage.base_stage for stage in file.stages] == [None, 0, 1]
    assert file.instruction(2, 1).copy_from == 1
    assert resolve_target(file, "x") == 1


def test_references_that_go_in_circles_end() -> None:
    file = parse("FROM a AS x\nCOPY --from=y / /\nFROM b AS y\nCOPY --from=x / /\n")
    assert needed_stages(file) == {0, 1}


def test_onbuild_of_a_stage_that_another_stands_on() -> None:
    file = parse("FROM a AS x\nONBUILD COPY --from=0 /f /f\nFROM b AS other\nFROM x\n")
    trigger = file.instruction(0, 1).onbuild
    assert trigger is not None
    assert (trigger.keyword, trigger.copy_from, trigger.line) == ("COPY", 0, 2)
    assert needed_stages(file) == {0, 2}
    assert parse("FROM a\nONBUILD COPY --from=7 / /\n").instruction(0, 1).onbuild is not None


def test_onbuild_heredoc() -> None:
    file = parse("FROM a\nONBUILD RUN <<E\nRUN x\nE\nRUN y\n")
    onbuild = file.instruction(0, 1)
    assert (onbuild.keyword, onbuild.text, onbuild.end_line) == ("ONBUILD", "ONBUILD RUN <<E", 4)
    assert onbuild.onbuild is not None
    assert onbuild.onbuild.heredocs[0].content == "RUN x\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"FROM a\nRUN \xff\n", 2, "byte 0xff is not UTF-8: save the file as UTF-8"),
        ("", None, "no instructions: begin it with FROM"),
        ("# nothing\n", None, "no instructions"),
        ("FROM a\nRUNN x\n", 2, "unknown instruction: RUNN"),
        ("ARG A\n", None, "no FROM"),
        ("ARG A\nRUN x\nFROM a\n", 2, "RUN comes before the first FROM: only ARG may"),
        ("FROM a b\n", 1, "FROM takes an image, or an image AS a stage name"),
        ("FROM\n", 1, "FROM takes an image"),
        ("FROM a AS 1x\n", 1, "'1x' is not a stage name"),
        ("FROM a\nRUN <<E\nx\n", 2, "unterminated heredoc"),
        ("FROM a\nCOPY --from=0 / /\n", 2, "--from=0 names no earlier stage"),
        ("FROM a\nONBUILD\n", 2, "ONBUILD needs an instruction"),
        ("FROM a\nONBUILD FROM b\n", 2, "ONBUILD cannot run FROM"),
        ("FROM a\nONBUILD ENV x\n", 2, "ONBUILD ENV: ENV must have two arguments"),
        ("FROM a\nENV x\n", 2, "ENV must have two arguments"),
        ('FROM a"\n', 1, "cannot put the variables in"),
        ("FROM a\nRUN " + "x" * 70_000, 2, "longer than 65535 bytes"),
    ],
)
def test_what_no_builder_would_build(text: str | bytes, line: int | None, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert caught.value.line == line
    assert words in caught.value.message


def test_an_empty_base_is_an_error_once_the_arguments_are_known() -> None:
    file = parse("ARG B\nFROM $B\n")
    assert file.stages[0].base == "$B"
    assert file.with_build_args({"B": "x"}).stages[0].base == "x"
    with pytest.raises(DockerfileError, match="the base image \\$B is empty: give its ARG a value"):
        parse("ARG B\nFROM $B\n", {})


def test_mounts() -> None:
    mount = parse_mount('type=cache,"target=/a,b",ID=x,sharing=Locked,ro')
    assert (mount.target, mount.id, mount.sharing, mount.readonly) == ("/a,b", "x", "locked", True)
    assert parse_mount("type=bind,target=/a,rw").readonly is False
    assert parse_mount("type=secret,id=k").sharing == ""
    assert parse_mount("").type == "bind"
    assert parse_mount("type=cache,dst=$HOME/.cache/../x").id == "$HOME/x"


@pytest.mark.parametrize(
    ("path", "clean"),
    [("/a//b/", "/a/b"), ("", "."), ("//a", "/a"), ("../x", "../x"), ("/..", "/"), ("a/..", ".")],
)
def test_paths_are_cleaned_as_go_does(path: str, clean: str) -> None:
    assert clean_path(path) == clean


def test_what_add_fetches() -> None:
    assert is_remote("https://x/y")
    assert is_remote("git@x:y")
    assert not is_remote("./https://x")


def test_many_heredocs_of_onbuild() -> None:
    """Each is parsed by itself: hours, if each parsed all that follows."""
    text = "FROM a\n" + "ONBUILD RUN echo \\\n  x <<E\n# y\nE\n" * 1500
    with pytest.raises(DockerfileError):
        parse(text)
