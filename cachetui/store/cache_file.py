"""The SQLite file of a diskcache, beside what SQLite itself does with it.

A process that closes any descriptor of a file loses all its POSIX locks on that file, those of
SQLite's connections too (SQLite's howtocorrupt, 2.2). Another process then takes the write-ahead
log for unused and removes it with what is written there. So a descriptor opened here stays open as
long as the cache is in use.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

_WAIT = 60.0
"""Seconds to wait for another process that opens or mends the cache."""

_HEADER_SIZE = 100
_HEADER = {
    0: b"SQLite format 3\0" + bytes((0x10, 0, 2, 2, 0, 64, 32, 32)),
    44: bytes((0, 0, 0, 4)),
    56: bytes((0, 0, 0, 1)),
}
"""What stands in the first bytes of every file of diskcache (SQLite's fileformat2, 1.3): pages of
4096 bytes, a write-ahead log, UTF-8. With others SQLite can wait for a lock that nobody has."""

_TABLES = (
    "SELECT rowid, key, raw, store_time, expire_time, access_time, access_count, tag, size, mode, "
    "filename, value FROM Cache INDEXED BY Cache_key_raw WHERE key = '' AND raw = 1",
    "SELECT key, value FROM Settings WHERE key = 'count'",
)
"""What diskcache's tables must answer."""

_Identity = tuple[int, int]
"""A file's device and inode."""


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Only one process at a time opens or mends the cache in `folder`: one that is half made looks
    like a damaged one. Raises `TimeoutError` after a minute."""
    # Not what the store is in: whoever removed that, such as the demo at its end, wants no store.
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(lock, 0o600)
        _wait_for(lock, folder)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, folder: Path) -> None:
    end = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(f"another cachetui is opening {folder}") from None
            time.sleep(0.02)
        else:
            return


class _Descriptors:
    """One descriptor for each file in use in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[_Identity, tuple[int, int]] = {}

    def take(self, path: Path) -> tuple[_Identity, int]:
        """A file's identity and descriptor, to be given back."""
        with self._lock:
            identity = _identity(path)
            descriptor, users = self._open.get(identity) or (os.open(path, os.O_RDONLY), 0)
            self._open[identity] = (descriptor, users + 1)
        return identity, descriptor

    def give_back(self, identity: _Identity) -> None:
        with self._lock:
            descriptor, users = self._open.pop(identity)
            if users > 1:
                self._open[identity] = (descriptor, users - 1)
            else:
                os.close(descriptor)


_descriptors = _Descriptors()


def _identity(path: Path) -> _Identity:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


class CacheFile:
    """The file of one cache. `release` it when the cache is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: _Identity | None = None
        self._descriptor = -1
        self._given_back: weakref.finalize[[_Identity], CacheFile] | None = None

    def check(self) -> None:
        """Raises `sqlite3.Error` where the file lacks a table: diskcache would make a new one over
        the rows of the old."""
        if not self._path.is_file() or not self._path.stat().st_size:
            return
        self.hold()
        try:
            self._check()
        except BaseException:
            self.release()
            raise

    def _check(self) -> None:
        header = os.pread(self._descriptor, _HEADER_SIZE, 0)
        if any(header[at : at + len(part)] != part for at, part in _HEADER.items()):
            raise sqlite3.DatabaseError("its first bytes are not those of a cache")
        with closing(sqlite3.connect(self._path, timeout=_WAIT)) as connection:
            for ask in _TABLES:
                connection.execute(ask)

    def hold(self) -> None:
        """Remember which file this is."""
        if self._identity is None:
            self._identity, self._descriptor = _descriptors.take(self._path)
            self._given_back = weakref.finalize(self, _descriptors.give_back, self._identity)

    def is_gone(self) -> bool:
        """Whether the file at this path is no longer the one that was opened: what is written into
        that one is lost."""
        with suppress(OSError):
            return _identity(self._path) != self._identity
        return True

    def release(self) -> None:
        if self._given_back is not None:
            self._given_back()
        self._identity = self._given_back = None


class ConnectionOfThread:
    """The connection of a thread to a cache, closed with the thread.

    diskcache leaves that to each thread. SQLite's connections refer to themselves in Python, so
    that one which is left alone stays open, with its file handles, until the collector comes.
    """

    def __init__(self, cache: Any) -> None:
        self.cache = cache
        self._connection = cache._con

    def __del__(self) -> None:
        with suppress(sqlite3.Error, AttributeError):
            self._connection.close()
