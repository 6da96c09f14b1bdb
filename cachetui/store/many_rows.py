"""Many of a diskcache's rows in one question: each by itself is two, and a look at the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import diskcache

BATCH = 500
"""Rows at once; SQLite takes 999 values in any version."""

_TEXT = 1
"""diskcache's mode of text that is in the table."""


def batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """The keys, `BATCH` at a time."""
    for at in range(0, len(keys), BATCH):
        yield keys[at : at + BATCH]


def known_keys(cache: diskcache.Cache, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the table's index finds."""
    ask = "SELECT key FROM Cache WHERE raw = 1 AND key IN ({})"
    return {
        key
        for batch in batches(keys)
        for (key,) in cache._sql(ask.format(_marks(batch)), tuple(batch)).fetchall()
    }


def texts_inside(cache: diskcache.Cache, keys: Sequence[str]) -> dict[str, str]:
    """The texts under a batch of keys, as far as they are UTF-8 and in the table itself."""
    ask = (
        "SELECT key, CAST(value AS BLOB) FROM Cache WHERE raw = 1 AND filename IS NULL"
        f" AND mode = {_TEXT} AND typeof(value) = 'text' AND key IN ({{}})"
    )
    found: dict[str, str] = {}
    for key, value in cache._sql(ask.format(_marks(keys)), tuple(keys)).fetchall():
        try:
            found[key] = value.decode()
        except UnicodeDecodeError:
            continue
    return found


def every_key(cache: diskcache.Cache) -> list[tuple[object, object]]:
    """(key, raw) of each row, keys as bytes: diskcache would stop at one that is no text."""
    path = Path(cache.directory) / "cache.db"
    with closing(sqlite3.connect(path, timeout=60.0)) as connection:
        connection.text_factory = bytes
        ask = "SELECT CASE typeof(key) WHEN 'text' THEN key END, raw FROM Cache ORDER BY rowid"
        return connection.execute(ask).fetchall()


def _marks(keys: Sequence[str]) -> str:
    return ", ".join("?" * len(keys))
