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


def kinds(folder: Path, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
    """What is in a store's folder with these rows, largest first."""
    count: dict[str, int] = {}
    size: dict[str, int] = {}

    def add(kind: str, bytes_: int, counts: bool = True) -> None:
        count[kind] = count.get(kind, 0) + counts
        size[kind] = size.get(kind, 0) + bytes_

    by_prefix = {prefix: kind for kind, prefixes in KINDS.items() for prefix in prefixes}
    for key, row in rows.items():
        prefix = key.partition(":")[0]
        kind = by_prefix.get(prefix, IMAGES)
        add(kind, row.bytes, kind == IMAGES or KINDS[kind][0] == prefix)
    for name in _names(folder):
        if name not in CACHES and name != "in-use" and not name.endswith(".lock"):
            for path in files(folder / name):
                kind = DAMAGED if "damaged" in name else FOLDERS.get(name, OTHER)
                add(kind, _size(path))
    tables = [path for name in CACHES for path in (folder / name).glob("cache.db*")]
    size[TABLES] = sum(map(_size, tables)) - sum(row.in_table for row in rows.values())
    count[TABLES] = len(CACHES)
    found = [Kind(kind=kind, count=count[kind], bytes=max(0, size[kind])) for kind in size]
    return tuple(sorted(found, key=lambda kind: -kind.bytes))


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
