"""Everything of one store brought into another, under the same ids.

It can be stopped and begun again: what is there already is passed over. An audit comes after all
that it names. What both have, and not the same, is settled by what it is: the later state of an
audit, the newest run of a thing; else the one that is there stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from cachetui.records.base import Record
from cachetui.records.digest import KEYED
from cachetui.store.audit_records import AuditEntry, KeptAudit
from cachetui.store.checked_record import from_checked, json_of
from cachetui.store.database import Store
from cachetui.store.place import UNSENT
from cachetui.store.sizes import Kind, Row, row_kinds
from cachetui.store.table import Table
from cachetui.store.troubles import StoreError

_IN_MEMORY = 1 << 20
_AT_ONCE = 200
"""How many texts are read with one question."""

_BYTES = ("log", "raw")
"""Kinds of runs' entries that are bytes; all of blobs are, and no other."""

_ORDER = ("log", "raw", "manifest", "run", "gone", "of", "proof", "doc", "entry")
"""Kinds of entries, each after what it names; all others come first."""

_CHANGING = ("doc", "entry", "of", "gone", "builds", "contents", "layer-meta")
"""Kinds of entries that may differ under the same key."""


class Copied(Record, frozen=True, kw_only=True):
    """How many entries were copied (`bytes` in all), were `there` already, stayed as the other
    store has them (`settled`), and the keys of those that are `damaged` and were left out. `kinds`
    is what the source has, all of which is in the other store now. `other_secret`: digests that
    were copied are keyed with another secret than the other store's. `removed`: the source was
    what had been kept aside for the other store, and is gone."""

    copied: int = 0
    bytes: int = 0
    there: int = 0
    settled: int = 0
    damaged: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    other_secret: bool = False
    removed: bool = False


@dataclass
class _Count:
    copied: int = 0
    bytes: int = 0
    there: int = 0
    settled: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    other_secret: bool = False


def copy_store(
    source: Store, target: Store, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Copied:
    """Copy all that `source` has and `target` has not. `on_progress` gets (entries, of how many).
    Raises `StoreError`: where it went wrong; what was copied until then stays."""
    with source.in_use.working(), target.in_use.working():
        rows = source.rows()
        count = _Copying(source, target, rows, on_progress).run()
        _verify(rows, target.rows(), count)
    return Copied(
        copied=count.copied,
        bytes=count.bytes,
        there=count.there,
        settled=len(count.settled),
        damaged=tuple(sorted(count.damaged)),
        kinds=row_kinds({key: row for key, row in rows.items() if key not in count.damaged}),
        other_secret=count.other_secret and source.hasher.key != target.hasher.key,
        removed=not count.damaged and _removed_unsent(source, target, rows),
    )


class _Copying:
    def __init__(
        self,
        source: Store,
        target: Store,
        rows: dict[str, Row],
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._source = source
        self._target = target
        self._rows = rows
        self._on_progress = on_progress
        self._there = target.rows()
        self._count = _Count()

    def run(self) -> _Count:
        runs, audits, blobs = zip(self._source.caches, self._target.caches, strict=True)
        done = 0
        for ours, theirs, has_bytes in ((*blobs, True), (*runs, False), (*audits, False)):
            keys = [key for key in _ordered(ours.keys("")) if key in self._rows]
            for at in range(0, len(keys), _AT_ONCE):
                some = keys[at : at + _AT_ONCE]
                read = [k for k in some if not (has_bytes or _kind(k) in _BYTES or self._same(k))]
                here, there = ours.texts(read), theirs.texts(k for k in read if k in self._there)
                for key in some:
                    if self._same(key):
                        self._count.there += 1
                    elif has_bytes or _kind(key) in _BYTES:
                        self._bytes(key, ours, theirs)
                    else:
                        self._text(key, here.get(key), there.get(key), theirs)
                    done += 1
                    self._on_progress(done, len(self._rows))
        return self._count

    def _same(self, key: str) -> bool:
        """Whether what the other store has under a key need not be looked at."""
        there = self._there.get(key)
        same = there is not None and there.bytes == self._rows[key].bytes
        return same and _kind(key) not in _CHANGING

    def _text(self, key: str, text: str | None, there: str | None, theirs: Table) -> None:
        try:
            if text is None:
                raise ValueError("it is gone")
            json_of(text)
        except ValueError:
            self._count.damaged.add(key)
            return
        self._count.other_secret |= KEYED in text
        if there == text:
            self._count.there += 1
        elif self._settled(key, text, there):
            self._count.settled.add(key)
        else:
            theirs.put(key, text, key)
            self._copied(key)

    def _settled(self, key: str, text: str, there: str | None) -> bool:
        """Whether what the other store has, or has not, is to stay."""
        kind, _, name = key.partition(":")
        if kind == "gone":  # of a log that the other store still has, or has since
            return there is not None or name in self._there
        if there is None:
            return False
        with suppress(ValueError):
            match kind:
                case "doc":
                    return _state_of_audit(text) <= _state_of_audit(there)
                case "entry":
                    return _state_of_entry(text) <= _state_of_entry(there)
                case "of":
                    return self._started(text) <= self._started(there)
                case "builds":
                    return int(text) <= int(there)
            return True
        return False  # what is there is damaged

    def _started(self, run: str) -> float:
        found = self._target.run(run)
        return found.started_at if found is not None else 0.0

    def _bytes(self, key: str, ours: Table, theirs: Table) -> None:
        there = self._there.get(key)
        if there is not None and _kind(key) in _CHANGING:
            if there.bytes == self._rows[key].bytes:
                self._count.there += 1
            else:
                self._count.settled.add(key)
            return
        file = ours.file(key)
        try:
            if file is None:
                raise _Unreadable
            with file:
                self._put_file(key, file, theirs)
        except _Unreadable:
            self._count.damaged.add(key)
            return
        if _kind(key) in _BYTES:
            theirs.delete(f"gone:{key}")
        self._copied(key)

    def _put_file(self, key: str, file: BinaryIO, theirs: Table) -> None:
        data = _read(file)
        if len(data) < _IN_MEMORY:
            theirs.put(key, data, key)
            return
        with self._target.spool() as folder:
            with (folder / "value").open("wb") as value:
                while data:
                    value.write(data)
                    data = _read(file)
            theirs.put(key, folder / "value", key)

    def _copied(self, key: str) -> None:
        self._count.copied += 1
        self._count.bytes += self._rows[key].bytes


class _Unreadable(Exception):
    """An entry of the source cannot be read, or not whole."""


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(_IN_MEMORY)
    except OSError:
        raise _Unreadable from None


def _ordered(keys: list[str]) -> Iterator[str]:
    place = {kind: number for number, kind in enumerate(_ORDER)}
    yield from sorted(keys, key=lambda key: place.get(_kind(key), -1))


def _kind(key: str) -> str:
    return key.partition(":")[0]


def _state_of_audit(text: str) -> tuple[int, float]:
    kept = from_checked(text, KeptAudit)
    return len(kept.runs), kept.document.seconds


def _state_of_entry(text: str) -> tuple[int, float]:
    entry = from_checked(text, AuditEntry)
    return entry.runs, entry.seconds


def _verify(rows: dict[str, Row], there: dict[str, Row], count: _Count) -> None:
    """Raises `StoreError` unless the other store has all of it, and of the same size."""
    left_out = count.damaged | {key for key in count.settled if _kind(key) == "gone"}
    wanted = [key for key in rows if key not in left_out]
    missing = [key for key in wanted if key not in there]
    other = [
        key
        for key in wanted
        if key in there and key not in count.settled and there[key].bytes != rows[key].bytes
    ]
    if missing or other:
        raise StoreError(
            f"the copy is not whole: {len(missing)} entries are not there and {len(other)} have "
            f"another size, such as {(missing + other)[0]}; copy again"
        )


def _removed_unsent(source: Store, target: Store, rows: dict[str, Row]) -> bool:
    """Remove what was kept aside for the other store, unless something was added since."""
    if source.folder.resolve() != (target.folder / UNSENT).resolve():
        return False
    with source.in_use.nobody_working() as alone:
        if not alone or source.rows().keys() != rows.keys():
            return False
        shutil.rmtree(source.folder, ignore_errors=True)
    return True
