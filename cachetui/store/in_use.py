"""Which parts of a store processes are using: files that they hold locked while they do.

A lock goes with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

AT_WORK = "at-work"
"""What audits and experiments under way hold: they take stored runs of whatever audit."""


class Held:
    """A lock that is held until it is released, or forgotten."""

    def __init__(self, file: int) -> None:
        self._file = file

    def release(self) -> None:
        """More than once does no harm."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __del__(self) -> None:
        self.release()


class InUse:
    """The locks in one folder, by name. Any thread may call any method."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, name: str) -> Held:
        """Use what has that name, together with others; waits while somebody removes. Raises
        `OSError`."""
        return self._lock(name, fcntl.LOCK_SH)

    def take(self, name: str) -> Held | None:
        """Have it alone; None while others use it. Raises `OSError`."""
        try:
            return self._lock(name, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None

    def used(self, name: str) -> bool:
        """Whether anybody uses it."""
        if not (self._folder / name).exists():
            return False
        held = self.take(name)
        if held is None:
            return True
        with suppress(OSError):
            (self._folder / name).unlink()
        held.release()
        return False

    def _lock(self, name: str, how: int) -> Held:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / name
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, how)
                if path.exists() and os.stat(path).st_ino == os.fstat(file).st_ino:
                    return Held(file)
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # somebody has removed it meanwhile
