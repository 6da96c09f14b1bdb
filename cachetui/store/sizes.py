"""How much room a store takes, by kind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from cachetui.records.base import Record

KINDS = {
    "audits": ("entry", "doc", "proof", "pin", "builds"),
    "runs": ("run", "of", "gone"),
    "logs": ("log",),
    "raw outputs": ("raw",),
    "contexts": ("manifest",),
}
"""Kinds of rows by the beginnings of their keys, of which the first is counted; all others are of
images. Raw outputs are those that earlier versions kept."""

IMAGES = "images"
FOLDERS = {
    "layers": IMAGES,
    "known-files": "contexts",
    "notes": "notes on hosts",
    "spool": "at work",
    "spare": "room set aside",
    "secret": "the key of digests",
}
"""Kinds of what is beside the tables."""

DAMAGED = "set aside as damaged"
OTHER = "other files"
"""Kinds of what has another name: with or without `damaged` in it."""

TABLES = "tables"
"""What SQLite's files take beside the values in them."""

CACHES = ("runs", "audits", "blobs")


class Kind(Record, frozen=True, kw_only=True):
    """So many things of a kind take so many bytes."""

    kind: str
    count: int
    bytes: int


class Row(Record, frozen=True):
    """What an entry takes: `in_table` of its `bytes` are in SQLite's file, or none."""

    bytes: int
    in_table: int


class _Sum:
    """Counts and bytes by kind."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._count: dict[str, int] = {}
        self._size: dict[str, int] = {}
        by_prefix = {prefix: kind for kind, prefixes in KINDS.items() for prefix in prefixes}
        for key, row in rows.items():
            prefix = key.partition(":")[0]
            kind = by_prefix.get(prefix, IMAGES)
            self.add(kind, row.bytes, kind == IMAGES or KINDS[kind][0] == prefix)

    def add(self, kind: str, bytes_: int, count: int = 1) -> None:
        self._count[kind] = self._count.get(kind, 0) + count
        self._size[kind] = self._size.get(kind, 0) + bytes_

    def kinds(self) -> tuple[Kind, ...]:
        """All of them, largest first."""
        found = [
            Kind(kind=kind, count=self._count[kind], bytes=max(0, size))
            for kind, size in self._size.items()
        ]
        return tuple(sorted(found, key=lambda kind: -kind.bytes))


def row_kinds(rows: Mapping[str, Row], copies: Path | None = None) -> tuple[Kind, ...]:
    """What the rows alone are, largest first; with the folder of layers that were copied here."""
    found = _Sum(rows)
    for path in files(copies) if copies is not None and copies.is_dir() else ():
        found.add(IMAGES, _size(path))
    return found.kinds()


def kinds(folder: Path, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
    """What is in a store's folder with these rows, largest first."""
    found = _Sum(rows)
    for name in _names(folder):
        if name not in CACHES and name != "in-use" and not name.endswith(".lock"):
            for path in files(folder / name):
                found.add(DAMAGED if "damaged" in name else FOLDERS.get(name, OTHER), _size(path))
    tables = [path for name in CACHES for path in (folder / name).glob("cache.db*")]
    in_tables = sum(row.in_table for row in rows.values())
    found.add(TABLES, sum(map(_size, tables)) - in_tables, len(CACHES))
    return found.kinds()


def table_bytes(folder: Path) -> int:
    """Bytes of SQLite's files, which grow and shrink with what is in them."""
    return sum(_size(folder / name / "cache.db") for name in CACHES)


def room_of(folder: Path) -> int:
    """Bytes of all files in a store's folder."""
    return sum(map(_size, files(folder)))


def files(path: Path) -> Iterable[Path]:
    """The file, or all files below the folder."""
    if not path.is_dir():
        yield path
        return
    for at, _, names in os.walk(path):
        yield from (Path(at, name) for name in names)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
