"""Who uses a store in PostgreSQL: advisory locks of one connection that is kept for them.

A lock goes with its connection, however that ends.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from cachetui.store.in_use import AT_WORK
from cachetui.store.postgres.connections import Connection, Connections
from cachetui.store.postgres.database_errors import DatabaseError, refused
from cachetui.store.troubles import StoreError

_CLASS = 0x63616368
"""What the locks of cachetui have as their first number: "cach"."""

_HELD = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND classid::bigint = %s AND objid::bigint = %s LIMIT 1
"""


class DatabaseUse:
    """See `Use`. Any thread may call any method."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._lock = threading.RLock()
        self._held: dict[str, int] = {}
        self._audits: set[str] = set()
        self._connection: Connection | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        try:
            self._hold(AT_WORK)
        except DatabaseError as error:
            raise StoreError(f"cannot keep results: {error}") from None
        try:
            yield
        finally:
            self._release(AT_WORK)

    @contextmanager
    def nobody_working(self) -> Iterator[bool]:
        """Asks on a connection of its own: locks of one connection do not exclude each other."""
        connection = self._connections.connect(held=True)
        try:
            ask = "SELECT pg_try_advisory_lock(%s, %s)"
            (alone,) = connection.execute(ask, _numbers(AT_WORK)).fetchone() or (False,)
            yield bool(alone)
        except psycopg.Error as error:
            raise refused(self._connections.address, error) from None
        finally:
            connection.close()

    def use(self, audit: str) -> None:
        with self._lock:
            if audit not in self._audits:
                with suppress(DatabaseError):
                    self._hold(f"audit-{audit}")
                    self._audits.add(audit)

    def used(self, audit: str) -> bool:
        name = f"audit-{audit}"
        with self._lock:
            if name in self._held:
                return True
        first, second = _numbers(name)

        def work(connection: Connection) -> bool:
            values = (first & 0xFFFFFFFF, second & 0xFFFFFFFF)
            return connection.execute(_HELD, values).fetchone() is not None

        return self._connections.do(work)

    def close(self) -> None:
        with self._lock:
            self._held.clear()
            self._audits.clear()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def renew(self) -> None:
        """Take the locks again that went with a connection which broke."""
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.execute("SELECT 1")
            except psycopg.Error:
                self._connection.close()
                self._connection = None
                with suppress(DatabaseError):
                    for name in self._held:
                        self._share(name)

    def _hold(self, name: str) -> None:
        with self._lock:
            if name not in self._held:
                self._share(name)
            self._held[name] = self._held.get(name, 0) + 1

    def _release(self, name: str) -> None:
        with self._lock:
            left = self._held.pop(name, 0) - 1
            if left > 0:
                self._held[name] = left
            elif self._connection is not None:
                with suppress(psycopg.Error):  # then it has gone with the connection
                    ask = "SELECT pg_advisory_unlock_shared(%s, %s)"
                    self._connection.execute(ask, _numbers(name))

    def _share(self, name: str) -> None:
        """Raises `DatabaseError`."""
        for again in (True, False):
            if self._connection is None:
                self._connection = self._connections.connect(held=True)
            try:
                ask = "SELECT pg_advisory_lock_shared(%s, %s)"
                self._connection.execute(ask, _numbers(name))
                return
            except psycopg.Error as error:
                if not again or not self._connection.closed:
                    raise refused(self._connections.address, error) from None
                self._connection = None
                for other in self._held:
                    self._share(other)


def _numbers(name: str) -> tuple[int, int]:
    """Two numbers of 32 bits, signed, for a lock of that name."""
    number = zlib.crc32(name.encode("utf-8", "replace"))
    return _CLASS, number - (1 << 32) if number >= 1 << 31 else number
