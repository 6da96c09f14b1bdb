"""Notes outlive whoever wrote them, and nobody takes those of a process that lives."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cachetui.records.base import Record
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError


class Line(Record, frozen=True):
    text: str


WRITER = """
import sys, time
from pathlib import Path
from cachetui.store.database import Store
from tests.store.test_journal import Line
journal = Store(Path(sys.argv[1])).begin_journal("topic", "a", Line("head"))
journal.note(Line("one"))
journal.note(Line("two"))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.fault("left-by-killed")
def test_those_of_a_killed_process_are_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        assert list(store.left_journals("topic")) == []
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate(timeout=20)
    assert list(store.left_journals("other")) == []
    (journal,) = store.left_journals("topic")
    assert journal.lines() == [b'{"text":"head"}', b'{"text":"one"}', b'{"text":"two"}']
    assert list(store.left_journals("topic")) == []  # it is ours now
    journal.leave()
    (journal,) = store.left_journals("topic")
    journal.drop()
    assert list(store.left_journals("topic")) == []
    assert list((tmp_path / "notes").iterdir()) == []


@pytest.mark.fault("left-by-killed")
def test_half_a_line_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = store.begin_journal("topic", "a", Line("head"))
    journal.note(Line("head"))  # the same again
    (path,) = (tmp_path / "notes").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("ab") as file:
        file.write(b'{"text":"ha')
    assert journal.lines() == [b'{"text":"head"}']


def test_what_cannot_be_noted_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "notes").write_text("in the way")
    with pytest.raises(StoreError, match="cannot keep notes"):
        store.begin_journal("topic", "a", Line("head"))


def test_a_line_that_does_not_fit_is_not_there_in_part(tmp_path: Path) -> None:
    """The file may grow so far and no further, as where a disk is full."""
    journal = Store(tmp_path).begin_journal("topic", "a", Line("head"))
    (path,) = (tmp_path / "notes").iterdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(StoreError, match=r"cannot keep notes: no larger file is allowed"):
            journal.note(Line("x" * 40))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journal.lines() == path.read_bytes().splitlines() == [b'{"text":"head"}']
    journal.note(Line("next"))
    assert journal.lines() == [b'{"text":"head"}', b'{"text":"next"}']
