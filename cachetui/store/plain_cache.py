"""A diskcache of text and bytes only, whose records are checked as they are read."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import diskcache
import msgspec

from cachetui.store.cache_damage import FAILURES, is_damage, is_of_a_row
from cachetui.store.cache_file import CacheFile, ConnectionOfThread, opening
from cachetui.store.checked_record import from_checked, json_of, to_checked
from cachetui.store.many_rows import batches, every_key, known_keys, texts_inside
from cachetui.store.one_writer import open_cache
from cachetui.store.plain_disk import Refused, private_file
from cachetui.store.rescue import rescue
from cachetui.store.sizes import Row
from cachetui.store.spare import Spare
from cachetui.store.troubles import StoreError, cannot_keep, is_full

_T = TypeVar("_T")


class PlainCache:
    """One diskcache in `folder`. Threads and processes may share it. Only its user can read it.

    A cache that is damaged, which may show at any time, is renamed and begun anew with the entries
    that can still be read; a record that cannot be read is moved to `damaged`, a folder. A sentence
    about either is added to `warnings`. What is small is kept in the room of `spare` where the disk
    is full. Raises what is in `FAILURES` when it cannot be opened.
    """

    def __init__(self, folder: Path, damaged: Path, warnings: list[str], spare: Spare) -> None:
        self._folder = folder
        self._spare = spare
        self._damaged = damaged
        self._warnings = warnings
        self._renewing = threading.Lock()
        self._of_thread = threading.local()
        with opening(folder):
            self._cache = self._opened()

    def _opened(self) -> diskcache.Cache:
        try:
            return self._with_spare(self._open)
        except Exception as error:
            if not self._is_damage(error):
                raise
            return self._renewed(error)

    def _with_spare(self, work: Callable[[], _T]) -> _T:
        """The result of `work`; once more in the spare room where the disk was full."""
        try:
            return work()
        except FAILURES as error:
            if not is_full(self._folder.parent, error) or not self._spare.give_up():
                raise
        return work()

    def _open(self) -> diskcache.Cache:
        file = CacheFile(self._folder / "cache.db")
        file.check()
        cache = open_cache(self._folder)
        file.hold()
        self._file = file
        if self._folder.stat().st_mode & 0o077:
            self._folder.chmod(0o700)
            for path in self._folder.rglob("*"):
                with suppress(OSError):
                    path.chmod(0o700 if path.is_dir() else 0o600)
        return cache

    def _is_damage(self, error: Exception) -> bool:
        """`is_damage`, and SQLite's refusal to write into a file that can be written."""
        file = self._folder / "cache.db"
        in_the_way = file.is_dir() or (self._folder.exists() and not self._folder.is_dir())
        if in_the_way or is_damage(error):
            return True
        return "readonly" in str(error) and os.access(file, os.W_OK)

    def _renewed(self, error: Exception) -> diskcache.Cache:
        """A new cache with what can be read of the damaged one, which is set aside."""
        name = self._folder.name
        aside = self._folder.with_name(f"{name}.damaged-{time.time_ns()}")
        self._folder.rename(aside)
        cache = self._open()
        saved, lost = rescue(aside, cache)
        entries = f"{saved} of its entries were saved"
        if lost:
            entries += f", {lost} could not be read"
        self._warnings.append(
            f"the store's {name} were damaged ({error}) and set aside as {aside}; {entries}"
        )
        return cache

    def _do(self, work: Callable[[diskcache.Cache], _T]) -> _T:
        """The result of `work`; once more where the cache turns out to be damaged."""
        if self._file.is_gone():
            self._renew()
        cache = self._cache
        try:
            known: ConnectionOfThread | None = getattr(self._of_thread, "connection", None)
            if known is None or known.cache is not cache:
                self._of_thread.connection = ConnectionOfThread(cache)
            return work(cache)
        except sqlite3.DatabaseError as error:
            if not is_damage(error) or is_of_a_row(error):
                raise
            self._renew(cache, error)
        return work(self._cache)

    def _renew(self, damaged: Any = None, error: Exception | None = None) -> None:
        """Another thread or process may have done it meanwhile, or have removed the folder."""
        with self._renewing, opening(self._folder):
            if self._file.is_gone():
                self._cache = self._opened()
            elif error is not None and self._cache is damaged:
                with suppress(*FAILURES):
                    self._cache.close()
                self._cache = self._renewed(error)

    def close(self) -> None:
        self._cache.close()
        self._file.release()

    def __contains__(self, key: str) -> bool:
        with self._reading():
            return self._do(lambda cache: key in cache)

    def put(self, key: str, value: str | bytes | Path, what: str) -> None:
        """Keep text, bytes, or the content of a file. Raises `StoreError`: `what` could not be
        kept."""
        with self._reporting(what):
            if isinstance(value, Path):
                self._do(lambda cache: _set_file(cache, key, value))
            else:
                self._do(lambda cache: cache.set(key, value))

    def put_small(self, key: str, text: str, what: str) -> None:
        """The same for what is to be kept even where the disk is full."""
        with self._reporting(what):
            self._with_spare(lambda: self._do(lambda cache: cache.set(key, text)))

    def put_record(self, key: str, record: object, what: str) -> None:
        """Keep a record as JSON with a checksum. Raises `StoreError`."""
        self.put_small(key, to_checked(record), what)

    def text(self, key: str) -> str | None:
        """The text under a key, None when there is none. Raises `StoreError`."""
        with suppress(Refused), self._reading():
            value = self._value(key)
            return value if isinstance(value, str) else None
        return None

    def texts(self, keys: Iterable[str]) -> dict[str, str]:
        """The texts under these keys, by key. Raises `StoreError`."""
        found = {key: self.text(key) for key in keys}
        return {key: text for key, text in found.items() if text is not None}

    def json(self, key: str) -> str | None:
        """The JSON of the record under a key, without its checksum; None when there is none. Raises
        `ValueError` when it is damaged."""
        text = self.text(key)
        return None if text is None else json_of(text)

    def record(self, key: str, kind: type[_T]) -> _T | None:
        """The record under a key; None when there is none, or when it is damaged: then it is set
        aside."""
        text: object = None
        try:
            text = self._value(key)
            if text is None:
                return None
            if not isinstance(text, str):
                raise msgspec.ValidationError("not text")
            return from_checked(text, kind)
        except (Refused, msgspec.MsgspecError, ValueError) as error:
            self._set_aside(key, text)
            self._warnings.append(f"the store's {key} is damaged and was set aside: {error}")
        except FAILURES as error:
            if not isinstance(error, OSError):
                raise StoreError(f"cannot read {key} in {self._folder}: {error}") from None
            self._warnings.append(f"the store's {key} cannot be read: {error}")
        return None

    def records(self, prefix: str, kind: type[_T]) -> Iterator[_T]:
        """The whole records whose keys begin so, in the order of keeping. Raises `StoreError`."""
        return self._whole_records(self.keys(prefix), kind)

    def _whole_records(self, keys: Sequence[str], kind: type[_T]) -> Iterator[_T]:
        for batch in batches(keys):
            texts = self._inside(batch)
            for key in batch:
                record: _T | None
                try:
                    record = from_checked(texts[key], kind)
                except (KeyError, ValueError):  # in a file of its own, or damaged, which is told
                    record = self.record(key, kind)
                if record is not None:
                    yield record

    def _inside(self, batch: Sequence[str]) -> dict[str, str]:
        with self._reading():
            return self._do(lambda cache: texts_inside(cache, batch))

    def records_of(self, keys: Iterable[str], kind: type[_T]) -> dict[str, _T]:
        """The whole records under these keys, by key. Raises `StoreError`."""
        found = {key: self.record(key, kind) for key in dict.fromkeys(keys)}
        return {key: record for key, record in found.items() if record is not None}

    def file(self, key: str) -> BinaryIO | None:
        """The bytes under a key, for the caller to close; None when there are none."""
        try:
            value = self._do(lambda cache: cache.get(key, read=True))
        except Exception as error:
            if not isinstance(error, Refused | OSError) and not is_damage(error):
                raise StoreError(f"cannot read {key} in {self._folder}: {error}") from None
            self._warnings.append(f"{key}: cannot be read: {error}")
            return None
        if isinstance(value, bytes | str):
            return BytesIO(value if isinstance(value, bytes) else value.encode())
        return cast(BinaryIO | None, value)

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, in the order of keeping. Other rows are told of and passed
        over. Raises `StoreError`."""
        with self._reading():
            keys = [_key(key, raw) for key, raw in self._do(every_key)]
        if odd := keys.count(None):
            warning = (
                f"the store's {self._folder.name} hold {odd} entries whose key is not text or is "
                "pickled; they are not read"
            )
            if warning not in self._warnings:
                self._warnings.append(warning)
        named = [key for key in keys if key is not None and key.startswith(prefix)]
        with self._reading():
            there = self._do(lambda cache: known_keys(cache, named))
        if missed := {key.encode() for key in named if key not in there}:
            # Removed by another since, or the index does not find what the table has.
            still_there = missed & {key for key, _ in self._do(every_key)}
            if any(key.decode() not in self for key in still_there):
                self._renew(self._cache, sqlite3.DatabaseError("its index misses rows"))
            named = [key for key in named if key.encode() not in missed - still_there]
        return named

    def delete(self, key: str) -> None:
        """Remove what is under a key, if anything. Raises `StoreError`."""
        with self._reporting("the change"):
            self._with_spare(lambda: self._do(lambda cache: cache.delete(key)))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What the block keeps is kept at once, or not at all. Raises `StoreError`."""
        with self._reporting("the change"), self._do(lambda cache: cache.transact()):
            yield

    def remove(self, keys: Iterable[str]) -> None:
        """Remove what is under these keys, all or nothing. Raises `StoreError`."""

        def work(cache: diskcache.Cache) -> None:
            with cache.transact():
                for key in keys:
                    cache.delete(key)

        with self._reporting("the change"):
            self._with_spare(lambda: self._do(work))

    def rows(self) -> dict[str, Row]:
        """What each entry takes. Raises `StoreError`."""
        ask = (
            "SELECT key, CASE WHEN filename IS NULL THEN length(CAST(value AS BLOB)) ELSE size END,"
            " filename IS NULL FROM Cache WHERE raw = 1 AND typeof(key) = 'text'"
        )
        with self._reading():
            rows = self._do(lambda cache: cache._sql(ask).fetchall())
        return {key: Row(size or 0, (size or 0) if inside else 0) for key, size, inside in rows}

    def compact(self) -> None:
        """Give the room of removed rows back to the disk, as far as nobody reads them."""
        with suppress(*FAILURES):
            self._do(lambda cache: cache._sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    def _value(self, key: str) -> object:
        """What is under a key. What diskcache stumbles over is damage, and raised as such."""
        try:
            return self._do(lambda cache: cache.get(key))
        except Refused:
            raise
        except Exception as error:
            if not is_damage(error):
                raise
            raise ValueError(str(error)) from None

    def _set_aside(self, key: str, text: object) -> None:
        with suppress(*FAILURES):
            if isinstance(text, str):
                self._damaged.mkdir(mode=0o700, exist_ok=True)
                name = f"{key.replace(':', '-')}-{time.time_ns()}"
                with private_file(self._damaged / name) as file:
                    file.write(text.encode("utf-8", "replace"))
            self._cache.delete(key)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            raise StoreError(f"cannot read {self._folder}: {error}") from None

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
            os.stat(self._folder / "cache.db")  # SQLite goes on writing into a file that is gone
        except FAILURES as error:
            raise cannot_keep(what, self._damaged.parent, error) from None


def _set_file(cache: diskcache.Cache, key: str, path: Path) -> None:
    with path.open("rb") as file:
        cache.set(key, file, read=True)


def _key(key: object, raw: object) -> str | None:
    if raw != 1 or not isinstance(key, bytes):
        return None
    try:
        return key.decode()
    except UnicodeDecodeError:
        return None
