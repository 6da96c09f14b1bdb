"""A Dockerfile without what stands on cache mounts."""

from __future__ import annotations

import pytest

from cachetui.dockerfile.parse import Dockerfile, parse
from cachetui.dockerfile.without_mounts import without_mounts

MOUNT = "RUN --mount=type=cache,target=/c"


def cut(text: str, target: str | None = None, **known: tuple[str, ...]) -> list[list[str]] | None:
    """The lines with anything in them of each Dockerfile."""
    files = without_mounts(parse(text), target, known)
    if files is None:
        return None
    for file in files:
        _same_places(parse(text), file)
    return [[line for line in file.text.split("\n") if line] for file in files]


def _same_places(whole: Dockerfile, part: Dockerfile) -> None:
    for item in part.instructions:
        same = whole.instruction(item.stage_index, item.index)
        assert (same.line, same.text) == (item.line, item.text)


def test_a_file_without_cache_mounts_is_whole() -> None:
    assert cut("FROM a\nRUN x\nRUN --mount=type=bind,target=/c y\n") is None
    assert cut(f"FROM a\n{MOUNT} x\nFROM b\nRUN y\n") is None  # a stage that is not needed
    assert cut(f"FROM a AS one\nRUN x\nFROM one\n{MOUNT} y\n", "one") is None


def test_all_from_the_mount_on_is_cut_with_heredocs_and_continued_lines() -> None:
    head = "# syntax=docker/dockerfile:1\nARG V=1\nFROM a:$V\nCOPY . /\n"
    text = f"{head}{MOUNT} <<E\nx\nE\nRUN a \\\n b\n"
    assert cut(text) == [["# syntax=docker/dockerfile:1", "ARG V=1", "FROM a:$V", "COPY . /"]]


def test_what_takes_something_of_a_cut_stage_is_cut() -> None:
    text = f"FROM a AS one\nRUN x\n{MOUNT} y\nFROM {{}}\n"
    assert cut(text.format("b\nRUN z\nCOPY --from=one /a /b\nRUN w")) == [
        ["FROM a AS one", "RUN x"],
        ["FROM a AS one", "RUN x", "FROM b", "RUN z"],
    ]
    assert cut(text.format("b\nRUN --mount=from=one,target=/o z")) == [["FROM a AS one", "RUN x"]]
    assert cut(text.format("one\nRUN z")) == [["FROM a AS one", "RUN x"]]
    onbuild = f"FROM a AS one\nONBUILD {MOUNT} y\nRUN x\nFROM one\nRUN z\n"
    assert cut(onbuild) == [["FROM a AS one", f"ONBUILD {MOUNT} y", "RUN x"]]


def test_stages_that_another_brings_along_are_not_built_by_themselves() -> None:
    text = f"FROM a AS one\nRUN x\nFROM b AS two\nCOPY --from=one /a /b\n{MOUNT} y\n"
    assert cut(text) == [["FROM a AS one", "RUN x", "FROM b AS two", "COPY --from=one /a /b"]]


def test_where_no_step_is_left_nothing_is_built() -> None:
    assert cut(f"FROM a\nENV A=1\n{MOUNT} y\nRUN x\n") == []


@pytest.mark.parametrize("trigger", ["RUN --mount=type=cache,target=/c x", "RUN x"])
def test_triggers_of_a_base_that_are_known(trigger: str) -> None:
    mounts = "mount" in trigger
    text = "FROM a\nRUN y\n" if mounts else f"FROM a\n{MOUNT} y\n"
    assert cut(text, a=(trigger,)) == ([] if mounts else [["FROM a"]])
