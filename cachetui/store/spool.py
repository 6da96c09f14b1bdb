"""Folders for the files of runs under way, which are locked while a process uses them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HOUR = 3600.0
"""Seconds that a folder is left alone: one that was just made may not be locked yet."""


class Spool:
    """The folder that they are in."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> None:
        """Raises `OSError`."""
        self._path.mkdir(exist_ok=True)
        self._path.chmod(0o700)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder, gone afterwards. Raises `OSError`."""
        folder = Path(tempfile.mkdtemp(dir=self._path))
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield folder
        finally:
            os.close(lock)
            shutil.rmtree(folder, ignore_errors=True)

    def abandoned(self) -> Iterator[Path]:
        """The folders whose process was killed."""
        for folder in self._path.iterdir():
            with suppress(OSError):
                lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    old = time.time() - os.fstat(lock).st_mtime > _HOUR
                finally:
                    os.close(lock)
                if old:
                    yield folder
