"""Room set aside for the time when the disk is full.

SQLite needs room to open a store, to remove from it, and to keep the few kilobytes of a record.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from cachetui.store.troubles import write_all

SIZE = 1 << 20
_AMPLE = 4 * SIZE
"""Bytes that must be free before some are set aside: the audit needs room now."""


class Spare:
    """A file that takes up room, given up once for what is small and matters."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set_aside(self) -> None:
        """Take the room unless it is taken; nothing where there is too little of it."""
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            if self._path.exists() or shutil.disk_usage(part.parent).free < _AMPLE:
                return
            file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                write_all(file, os.urandom(SIZE))  # zeros take no room where files are compressed
            finally:
                os.close(file)
            part.rename(self._path)
        except OSError:
            with suppress(OSError):
                part.unlink()

    def give_up(self) -> bool:
        """Make the room free; False where none was set aside."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
