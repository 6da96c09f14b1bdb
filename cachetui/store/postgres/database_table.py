"""A table of a store in PostgreSQL: see `Table`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from cachetui.store.checked_record import from_checked, json_of, to_checked
from cachetui.store.postgres.aside import Aside
from cachetui.store.postgres.blocks import BLOCK, open_blocks, write_blocks
from cachetui.store.postgres.connections import Connection, Connections
from cachetui.store.postgres.database_errors import DatabaseError
from cachetui.store.sizes import Row
from cachetui.store.table import Table
from cachetui.store.troubles import StoreError

_T = TypeVar("_T")

_AT_ONCE = 200
"""How many records one question is answered with."""

_LAST = "\U0010ffff"
"""Behind every character that a key has."""

_ROW = "id, key, is_text, size, value"
_WHOLE_ROW = """id, key, is_text, size, coalesce(value, (
    SELECT string_agg(data, ''::bytea ORDER BY number) FROM cachetui.blocks WHERE entry = id
), ''::bytea)"""
"""In one question, or another could replace the value between two."""

_Found = tuple[int, str, bool, int, bytes | None]

_PUT = """
WITH kept AS (
    INSERT INTO cachetui.entries (part, key, is_text, size, value)
    VALUES (%s, %s, %s, %s, %b)
    ON CONFLICT (part, key) DO UPDATE
    SET is_text = excluded.is_text, size = excluded.size, value = excluded.value
    RETURNING id
)
DELETE FROM cachetui.blocks USING kept WHERE blocks.entry = kept.id
"""
_BEGIN_BLOCKS = """
INSERT INTO cachetui.entries (part, key, is_text, size, value) VALUES (%s, %s, %s, 0, NULL)
ON CONFLICT (part, key) DO UPDATE SET is_text = excluded.is_text, value = NULL
RETURNING id
"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class DatabaseTable:
    """The entries of one `part` of the store. What cannot be kept goes `aside`, where that is
    allowed; what is damaged is passed over, stays, and is told in `warnings`: another of the team
    may be able to read it."""

    def __init__(
        self, part: str, connections: Connections, warnings: list[str], aside: Aside
    ) -> None:
        self._part = part
        self._connections = connections
        self._warnings = warnings
        self._aside = aside

    def __contains__(self, key: str) -> bool:
        ask = "SELECT 1 FROM cachetui.entries WHERE part = %s AND key = %s"
        return bool(self._asked(key, ask, (self._part, key)))

    def put(self, key: str, value: str | bytes | Path, what: str) -> None:
        if not isinstance(key, str) or not isinstance(value, str | bytes | Path):
            raise TypeError(f"a store keeps text and bytes, not {type(value).__name__}, by text")
        small = _small(value)

        def work(connection: Connection) -> None:
            if small is not None:
                row = (self._part, key, isinstance(value, str), len(small), small)
                connection.execute(_PUT, row)
            else:
                self._put_blocks(connection, key, value)

        def elsewhere(table: Table) -> None:
            table.put(key, value, what)

        self._keep(what, work, elsewhere)

    def _put_blocks(self, connection: Connection, key: str, value: str | bytes | Path) -> None:
        """Whoever reads what was there before goes on to read that, or is told that it went."""
        with connection.transaction():
            connection.execute(_ALONE, (f"{self._part}:{key}",))
            connection.execute(
                "DELETE FROM cachetui.entries WHERE part = %s AND key = %s", (self._part, key)
            )
            row = (self._part, key, isinstance(value, str))
            (entry,) = connection.execute(_BEGIN_BLOCKS, row).fetchone() or (0,)
            data = value.encode("utf-8", "replace") if isinstance(value, str) else value
            size = write_blocks(connection, entry, data)
            connection.execute("UPDATE cachetui.entries SET size = %s WHERE id = %s", (size, entry))

    def put_small(self, key: str, text: str, what: str) -> None:
        self.put(key, text, what)

    def put_record(self, key: str, record: object, what: str) -> None:
        self.put(key, to_checked(record), what)

    def text(self, key: str) -> str | None:
        return self.texts([key]).get(key)

    def texts(self, keys: Iterable[str]) -> dict[str, str]:
        return {row[1]: _text(row) for row in self._rows_of(keys) if row[2]}

    def json(self, key: str) -> str | None:
        text = self.text(key)
        return None if text is None else json_of(text)

    def record(self, key: str, kind: type[_T]) -> _T | None:
        return self.records_of([key], kind).get(key)

    def records(self, prefix: str, kind: type[_T]) -> Iterator[_T]:
        last = 0
        where = "key >= %s AND key < %s AND id > %s ORDER BY id LIMIT %s"
        while True:
            values = (prefix, prefix + _LAST, last, _AT_ONCE)
            found = self._rows(f"{prefix}…", where, values)
            for row in found:
                record = self._record(row, kind)
                if record is not None:
                    yield record
            if len(found) < _AT_ONCE:
                return
            last = found[-1][0]

    def records_of(self, keys: Iterable[str], kind: type[_T]) -> dict[str, _T]:
        found = {row[1]: self._record(row, kind) for row in self._rows_of(keys)}
        return {key: record for key, record in found.items() if record is not None}

    def _rows_of(self, keys: Iterable[str]) -> Iterator[_Found]:
        wanted = list(dict.fromkeys(keys))
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            yield from self._rows(part[0], "key = ANY(%s)", (part,))

    def _record(self, row: _Found, kind: type[_T]) -> _T | None:
        try:
            if not row[2]:
                raise ValueError("not text")
            return from_checked(_text(row), kind)
        except ValueError as error:
            warning = f"the store's {row[1]} is damaged and was passed over: {error}"
            if warning not in self._warnings:
                self._warnings.append(warning)
            return None

    def file(self, key: str) -> BinaryIO | None:
        found = self._rows(key, "key = %s", (key,), whole=False)
        if not found:
            return None
        entry, _, _, size, value = found[0]
        return open_blocks(self._connections, entry, size) if value is None else BytesIO(value)

    def keys(self, prefix: str) -> list[str]:
        ask = (
            "SELECT key FROM cachetui.entries WHERE part = %s AND key >= %s AND key < %s "
            "ORDER BY id"
        )
        found = self._asked(f"{prefix}…", ask, (self._part, prefix, prefix + _LAST))
        return [key for (key,) in found]

    def delete(self, key: str) -> None:
        self.remove([key])

    @contextmanager
    def together(self) -> Iterator[None]:
        try:
            with self._connections.one() as connection:
                connection.execute(_ALONE, (self._part,))
                yield
        except DatabaseError as error:
            raise StoreError(f"cannot keep the change: {error}") from None

    def remove(self, keys: Iterable[str]) -> None:
        gone = list(keys)
        if not gone:
            return
        remove = "DELETE FROM cachetui.entries WHERE part = %s AND key = ANY(%s)"

        def work(connection: Connection) -> None:
            connection.execute(remove, (self._part, gone))

        self._keep("the change", work, None)

    def rows(self) -> dict[str, Row]:
        ask = "SELECT key, size FROM cachetui.entries WHERE part = %s"
        return {key: Row(size, 0) for key, size in self._asked("the store", ask, (self._part,))}

    def compact(self) -> None:
        """The server does it by itself (autovacuum)."""

    def _rows(
        self, what: str, where: str, values: tuple[object, ...], *, whole: bool = True
    ) -> list[_Found]:
        """Entries; with `whole`, with the values that are in blocks."""
        columns = _WHOLE_ROW if whole else _ROW
        ask = f"SELECT {columns} FROM cachetui.entries WHERE part = %s AND {where}"

        def work(connection: Connection) -> list[_Found]:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(ask.encode(), (self._part, *values)).fetchall()

        return self._read(what, work)

    def _asked(self, what: str, ask: str, values: tuple[object, ...]) -> list[Any]:
        return self._read(what, lambda c: c.execute(ask.encode(), values).fetchall())

    def _read(self, what: str, work: Callable[[Connection], _T]) -> _T:
        try:
            return self._connections.do(work)
        except DatabaseError as error:
            raise StoreError(f"cannot read {what}: {error}") from None

    def _keep(
        self,
        what: str,
        work: Callable[[Connection], None],
        elsewhere: Callable[[Table], None] | None,
    ) -> None:
        try:
            self._connections.do(work)
        except DatabaseError as error:
            trouble = StoreError(f"cannot keep {what}: {error}")
            if elsewhere is None or not self._aside.takes(self._part, elsewhere, trouble):
                raise trouble from None


def _small(value: str | bytes | Path) -> bytes | None:
    """The bytes of what fits into a row."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if isinstance(value, bytes):
        return value if len(value) <= BLOCK else None
    return value.read_bytes() if value.stat().st_size <= BLOCK else None


def _text(row: _Found) -> str:
    return (row[4] or b"").decode("utf-8", "replace")
