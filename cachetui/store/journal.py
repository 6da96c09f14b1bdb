"""Notes on what is under way, kept line by line so that they outlive a process that is killed.

A journal is a file that its writer holds locked for as long as the process lives; whoever can lock
it knows that the writer is gone.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from cachetui.records.base import Record
from cachetui.store.troubles import StoreError, cannot_keep, write_all


class Journal:
    """An open, locked journal. Its first line is kept apart from the last, which counts."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file
        self._last = b""

    @classmethod
    def begin(cls, path: Path, head: Record) -> Journal:
        """Make a new one. Raises `StoreError`."""
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            journal = cls(path, os.open(path, flags, 0o600))
            fcntl.flock(journal._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise cannot_keep("notes", path.parent, error) from None
        try:
            journal.note(head)
        except StoreError:
            journal.drop()
            raise
        return journal

    def note(self, record: Record) -> None:
        """Add a line, whole or not at all, unless it is the same as the last. Raises
        `StoreError`."""
        line = msgspec.json.encode(record) + b"\n"
        if line == self._last:
            return
        size = os.fstat(self._file).st_size
        try:
            if os.fstat(self._file).st_nlink == 0:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            write_all(self._file, line)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, size)
            raise cannot_keep("notes", self._path.parent, error) from None
        self._last = line

    def lines(self) -> list[bytes]:
        """The whole lines; a process that was killed may have left half a one."""
        data = self._path.read_bytes()
        return data[: data.rfind(b"\n") + 1].splitlines()

    @property
    def written_at(self) -> float:
        """When the last line was added, in seconds since the epoch."""
        return os.fstat(self._file).st_mtime

    def leave(self) -> None:
        """Unlock it for others to find. More than once does no harm."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def drop(self) -> None:
        """There is nothing left to note."""
        with suppress(OSError):
            self._path.unlink()
        self.leave()

    def end(self, *, done: bool) -> None:
        """Drop it where what it notes is done with, else leave it."""
        if done:
            self.drop()
        else:
            self.leave()


def left_journals(folder: Path, topic: str) -> Iterator[Journal]:
    """Lock and give each journal of the topic whose writer is gone; who gets it leaves or drops
    it."""
    for path in sorted(folder.glob(f"{topic}-*.jsonl")):
        with suppress(OSError):
            journal = Journal(path, os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC))
            try:
                fcntl.flock(journal._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                there = os.stat(path).st_ino == os.fstat(journal._file).st_ino
            except OSError:
                journal.leave()
                continue
            if there:
                yield journal
            else:
                journal.leave()
