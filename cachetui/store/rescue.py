"""What is whole in a damaged diskcache, moved into a new one.

SQLite reads the rows of a damaged file as long as it need not pass a damaged page, so each row is
asked for by its number. Without the first page, which holds the schema, it reads nothing; all
files that diskcache makes have the same one, but for the size that it states.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
import tempfile
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW, MODE_TEXT

_SMALLEST_ROW = 40
_PAGE = 4096
_SIZE_AT, _COUNTER_AT, _VALID_FOR_AT = 28, 24, 92
"""Where SQLite's header has the file's size in pages, and what says that it holds (fileformat2,
1.3)."""


def rescue(damaged: Path, into: diskcache.Cache) -> tuple[int, int]:
    """Move the readable rows of the cache in the folder `damaged` into `into`; how many there were,
    and how many rows could not be read, as far as that can be told. Nothing is raised."""
    for mended in (False, True):
        try:
            saved, lost = _rows(damaged, into, mended)
        except (sqlite3.Error, OSError):
            continue
        if saved:
            return saved, lost
    return 0, 0


def _rows(damaged: Path, into: diskcache.Cache, mended: bool) -> tuple[int, int]:
    file = damaged / "cache.db"
    if mended:
        _replace_first_page(file)
    saved = lost = 0
    with closing(sqlite3.connect(file, timeout=1.0)) as connection:
        connection.text_factory = bytes
        for number in range(1, _last_row(connection, file) + 1):
            try:
                row = connection.execute(
                    "SELECT key, raw, mode, filename, value, typeof(value) FROM Cache "
                    "WHERE rowid = ?",
                    (number,),
                ).fetchone()
            except sqlite3.Error:
                lost += 1
                continue
            if row is not None:
                if _move(row, damaged, into):
                    saved += 1
                else:
                    lost += 1
    return saved, lost


def _last_row(connection: sqlite3.Connection, file: Path) -> int:
    """The number of the last row, or of the last that the file has room for."""
    room = file.stat().st_size // _SMALLEST_ROW
    try:
        (last,) = connection.execute("SELECT max(rowid) FROM Cache").fetchone()
    except sqlite3.Error:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return room
    return min(last or 0, room)


def _move(row: tuple[Any, ...], damaged: Path, into: diskcache.Cache) -> bool:
    key, raw, mode, filename, value, kind = row
    with suppress(UnicodeDecodeError, AttributeError, TypeError, OSError, ValueError):
        name = key.decode()
        if raw != 1 or name in into:
            return False
        if mode == MODE_RAW and kind in (b"text", b"blob"):
            into.set(name, value.decode() if kind == b"text" else bytes(value))
            return True
        path = PurePosixPath(filename.decode())
        if mode not in (MODE_BINARY, MODE_TEXT) or path.is_absolute() or ".." in path.parts:
            return False
        source = damaged / path
        if mode == MODE_TEXT:
            into.set(name, source.read_text("utf-8"))
        else:
            with source.open("rb") as data:
                into.set(name, data, read=True)
        source.unlink()
        return True
    return False


def _replace_first_page(file: Path) -> None:
    """Write the first page of a new cache over that of `file`."""
    with tempfile.TemporaryDirectory() as folder:
        with diskcache.Cache(folder, eviction_policy="none") as new:
            new.close()
        page = bytearray(Path(folder, "cache.db").read_bytes()[:_PAGE])
    pages = file.stat().st_size // _PAGE
    struct.pack_into(">I", page, _SIZE_AT, pages)
    page[_VALID_FOR_AT : _VALID_FOR_AT + 4] = page[_COUNTER_AT : _COUNTER_AT + 4]
    shutil.copyfile(file, file.with_name("cache.db.first-page"))
    with file.open("r+b") as data:
        data.write(page)
