"""Which parts of a store processes are using: files that they hold locked while they do.

A lock goes with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cachetui.store.troubles import cannot_keep

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
        self.folder = folder

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
        if not (self.folder / name).exists():
            return False
        held = self.take(name)
        if held is None:
            return True
        with suppress(OSError):
            (self.folder / name).unlink()
        held.release()
        return False

    def _lock(self, name: str, how: int) -> Held:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / name
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


class StoreUse:
    """What this process and others do with a store, while none of it may be removed."""

    def __init__(self, folder: Path) -> None:
        self._locks = InUse(folder)
        self._audits: dict[str, Held] = {}

    @contextmanager
    def working(self) -> Iterator[None]:
        """An audit or an experiment is under way: nothing is removed meanwhile. Raises
        `StoreError`."""
        try:
            held = self._locks.hold(AT_WORK)
        except OSError as error:
            raise cannot_keep("results", self._locks.folder.parent, error) from None
        try:
            yield
        finally:
            held.release()

    @contextmanager
    def nobody_working(self) -> Iterator[bool]:
        """Whether no audit or experiment is under way; then none begins before the block ends."""
        held = self._locks.take(AT_WORK)
        try:
            yield held is not None
        finally:
            if held is not None:
                held.release()

    def use(self, audit: str) -> None:
        """The audit is looked at, until `close`."""
        if audit not in self._audits:
            with suppress(OSError):
                self._audits[audit] = self._locks.hold(f"audit-{audit}")

    def used(self, audit: str) -> bool:
        """Whether anybody looks at an audit."""
        with suppress(OSError):
            return self._locks.used(f"audit-{audit}")
        return False

    def close(self) -> None:
        """No audit is looked at any more."""
        for held in self._audits.values():
            held.release()
        self._audits.clear()
