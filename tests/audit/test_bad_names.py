"""Names that are not UTF-8: which, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

from cachetui.audit.bad_names import bad_names, remedy
from cachetui.context.build_context import read_context


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
    assert "rename them, or leave it out in .dockerignore" in text


def test_nothing_is_said_of_names_that_are(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "\u00e9").write_text("x")
    assert bad_names(read_context(tmp_path).entries) == ()
