"""A value in the database in blocks, written and read one at a time: a log can be larger than
memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cachetui.store.postgres.connections import Connection, Connections
from cachetui.store.troubles import StoreError

BLOCK = 256 * 1024
"""Bytes of a block. What is smaller is kept in its row."""

_KEPT = 4
"""How many blocks of an opened value are in memory."""


def write_blocks(connection: Connection, entry: int, value: bytes | Path) -> int:
    """Write a value's blocks for an entry; how many bytes there were. Raises `OSError`."""
    size = 0
    copy = "COPY cachetui.blocks (entry, number, data) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(copy) as rows:
        rows.set_types(["int8", "int4", "bytea"])
        for number, block in enumerate(_blocks(value)):
            rows.write_row((entry, number, block))
            size += len(block)
    return size


def _blocks(value: bytes | Path) -> Iterator[bytes]:
    with io.BytesIO(value) if isinstance(value, bytes) else value.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


class _Blocks(io.RawIOBase):
    """The blocks of an entry as a file, of which a few are in memory: whoever searches a log goes
    back and forth."""

    def __init__(self, connections: Connections, entry: int, size: int) -> None:
        super().__init__()
        self._connections = connections
        self._entry = entry
        self._size = size
        self._at = 0
        self._kept: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        number, start = divmod(self._at, BLOCK)
        block = self._kept.pop(number, None) or self._read(number)
        self._kept[number] = block  # the last that was read comes last
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        data = block[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, number: int) -> bytes:
        ask = "SELECT data FROM cachetui.blocks WHERE entry = %s AND number = %s"

        def work(connection: Connection) -> tuple[bytes] | None:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(ask, (self._entry, number)).fetchone()

        try:
            row = self._connections.do(work)
        except StoreError as error:
            raise OSError(str(error)) from None
        if row is None:
            raise OSError("it was removed or replaced while it was read")
        return row[0]


def open_blocks(connections: Connections, entry: int, size: int) -> BinaryIO:
    """The value of an entry as a file. Reading raises `OSError`."""
    return io.BufferedReader(_Blocks(connections, entry, size), 16 * 1024)
