"""Names that are not UTF-8: which, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachetui.audit.bad_names import bad_names, refused, remedy, sent_entries
from cachetui.context.build_context import read_context
from cachetui.dockerfile.parse import parse


@pytest.mark.fault("file-names")
def test_what_is_sent_and_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nCOPY . /\n")
    (tmp_path / ".dockerignore").write_text("*.log\n")
    for name in (b"caf\xe9.txt", b"\xff.log", "caf\u00e9.txt".encode(), b"plain"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9"))
    folder.mkdir()
    (folder / "inside").write_text("x")
    os.symlink(b"to\xe8", os.fsencode(tmp_path / "link"))
    names = bad_names(read_context(tmp_path).entries)
    assert set(names) == {"caf\\xe9.txt", "d\\xe9", "link (a link to to\\xe8)"}
    text = remedy(names)
    assert "caf\\xe9.txt" in text
    assert "rename them, or leave them out in .dockerignore" in text


@pytest.mark.parametrize(
    ("reason", "engine", "said"),
    [
        ("grpc: error while marshaling: string field contains invalid UTF-8", "28.5.2", True),
        ("ERROR: failed to solve: Canceled: context canceled", "28.5.2+dfsg4", True),
        ("ERROR: failed to solve: Canceled: context canceled", "26.1.5", False),
        ("ERROR: failed to solve: process did not complete", "28.5.2", False),
        ("", "28.5.2", False),
    ],
)
def test_which_of_the_engines_words_mean_a_name(reason: str, engine: str, said: bool) -> None:
    assert refused(reason, engine) is said


def test_nothing_is_said_of_names_that_are(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "\u00e9").write_text("x")
    assert bad_names(read_context(tmp_path).entries) == ()


def test_only_what_a_step_needs_is_named(tmp_path: Path) -> None:
    text = (
        "FROM a AS unneeded\nCOPY other /\nFROM a\nARG D=src\nCOPY $D /src\n"
        "RUN --mount=type=bind,source=mounted,target=/m true\n"
    )
    (tmp_path / "Dockerfile").write_text(text)
    (tmp_path / "Dockerfile.dockerignore").write_text("src/left\n")
    for folder in ("src", "src/left", "other", "mounted"):
        (tmp_path / folder).mkdir()
        Path(os.fsdecode(os.fsencode(tmp_path / folder) + b"/\xe9")).write_text("x")
    context = read_context(tmp_path)
    sent = sent_entries(context, parse(text), None, {})
    assert set(bad_names(sent)) == {"src/\\xe9", "mounted/\\xe9"}
    by_trigger = sent_entries(context, parse("FROM onb\nRUN x\n"), None, {})
    assert set(bad_names(by_trigger)) == {"src/\\xe9", "other/\\xe9", "mounted/\\xe9"}
    everything = sent_entries(context, parse("FROM a\nCOPY $UNKNOWN /\n"), None, {})
    assert "other/\\xe9" in bad_names(everything)


def test_a_name_in_a_named_context_is_told_with_it(tmp_path: Path) -> None:
    text = "FROM a\nCOPY --from=data in /in\nCOPY plain /\n"
    for folder in ("app", "data/in", "data/out", "other"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "app/Dockerfile").write_text(text)
    for folder in ("app", "data/in", "data/out", "other"):
        Path(os.fsdecode(os.fsencode(tmp_path / folder) + b"/\xe9")).write_text("x")
    named = {"data": tmp_path / "data", "other": tmp_path / "other"}
    context = read_context(tmp_path / "app", named=named)
    names = bad_names(sent_entries(context, parse(text), None, {}))
    assert names == ("named context data: in/\\xe9",)
    assert remedy(names).startswith("a named context has a name that is not UTF-8")
