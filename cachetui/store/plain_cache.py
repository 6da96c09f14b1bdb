"""A diskcache of text and bytes only, whose records are checked as they are read.

diskcache unpickles what it finds (CVE-2025-69872), so `PlainDisk` refuses every key and value that
is a pickle.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import diskcache
import msgspec
from diskcache.core import MODE_PICKLE

from cachetui.records.to_json import to_json

_NEVER_CULL = 1 << 60
_T = TypeVar("_T")

FAILURES = (OSError, sqlite3.Error, diskcache.Timeout)
"""What diskcache raises when a disk is full, or a file cannot be opened or locked."""


class StoreError(Exception):
    """The store cannot be opened or written: says where, and what would help."""


class Refused(Exception):
    """A row of the store holds a pickle, which is never loaded."""


class PlainDisk(diskcache.Disk):  # type: ignore[misc]
    """Keys are text; values are text or bytes."""

    def put(self, key: object) -> tuple[object, bool]:
        if not isinstance(key, str):
            raise TypeError(f"store keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> object:
        if not raw:
            raise Refused("a pickled key")
        return key

    def store(self, value: object, read: bool, key: object = diskcache.UNKNOWN) -> Any:
        if not read and not isinstance(value, str | bytes):
            raise TypeError(f"store values are text or bytes, not {type(value).__name__}")
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:
        if mode == MODE_PICKLE:
            raise Refused("a pickled value")
        return super().fetch(mode, filename, value, read)


class PlainCache:
    """One diskcache in `folder`. Threads and processes may share it.

    A cache that cannot be opened because it is damaged is renamed and begun anew, and a record that
    cannot be read is moved to `damaged`, a folder; a sentence about either is added to `warnings`.
    Raises what is in `FAILURES` when it cannot be opened.
    """

    def __init__(self, folder: Path, damaged: Path, warnings: list[str]) -> None:
        self._damaged = damaged
        self._warnings = warnings
        self._cache = self._open(folder)

    def _open(self, folder: Path) -> diskcache.Cache:
        options: dict[str, Any] = {
            "disk": PlainDisk,
            "eviction_policy": "none",
            "size_limit": _NEVER_CULL,
            "cull_limit": 0,
        }
        try:
            return diskcache.Cache(str(folder), **options)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = folder.with_name(f"{folder.name}.damaged-{time.time_ns()}")
            folder.rename(aside)
            self._warnings.append(
                f"the store's {folder.name} were damaged ({error}); set aside as {aside}"
            )
            return diskcache.Cache(str(folder), **options)

    def close(self) -> None:
        self._cache.close()

    def __contains__(self, key: str) -> bool:
        return key in self._cache

    def put(self, key: str, value: str | bytes | Path, what: str) -> None:
        """Keep text, bytes, or the content of a file. Raises `StoreError`: `what` could not be
        kept."""
        with self._reporting(what):
            if isinstance(value, Path):
                with value.open("rb") as file:
                    self._cache.set(key, file, read=True)
            else:
                self._cache.set(key, value)

    def put_record(self, key: str, record: object, what: str) -> None:
        """Keep a record as JSON. Raises `StoreError`."""
        self.put(key, to_json(record).decode(), what)

    def text(self, key: str) -> str | None:
        """The text under a key, None when there is none."""
        with suppress(Refused):
            value = self._cache.get(key)
            return value if isinstance(value, str) else None
        return None

    def record(self, key: str, kind: type[_T]) -> _T | None:
        """The record under a key; None when there is none, or when it is damaged: then it is set
        aside."""
        text: object = None
        try:
            text = self._cache.get(key)
            if text is None:
                return None
            if not isinstance(text, str):
                raise msgspec.ValidationError("not text")
            return msgspec.json.decode(text, type=kind)
        except (Refused, msgspec.MsgspecError, OSError, sqlite3.Error) as error:
            self._set_aside(key, text)
            self._warnings.append(f"the store's {key} is damaged and was set aside: {error}")
            return None

    def file(self, key: str) -> BinaryIO | None:
        """The bytes under a key, for the caller to close; None when there are none."""
        try:
            value = self._cache.get(key, read=True)
            return BytesIO(value) if isinstance(value, bytes) else cast(BinaryIO | None, value)
        except (Refused, OSError) as error:
            self._warnings.append(f"{key}: cannot be read: {error}")
            return None

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        try:
            return [key for key in self._cache if isinstance(key, str) and key.startswith(prefix)]
        except Refused as error:
            self._warnings.append(f"the store holds {error}, which is not read")
            return []

    def delete(self, key: str) -> None:
        self._cache.delete(key)

    def _set_aside(self, key: str, text: object) -> None:
        with suppress(*FAILURES):
            if isinstance(text, str):
                self._damaged.mkdir(exist_ok=True)
                name = f"{key.replace(':', '-')}-{time.time_ns()}"
                (self._damaged / name).write_text(text)
            self._cache.delete(key)

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            folder = self._damaged.parent
            raise StoreError(f"cannot keep {what} in {folder}: {error}") from None
