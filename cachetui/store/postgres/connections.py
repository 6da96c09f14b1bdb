"""Connections to the database, which threads take turns with.

An audit has a thread for each host, hundreds at times, and a server has a hundred connections for
everybody. So there are a few, made when they are needed, in the thread that needs one: it learns at
once why there is none.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import conninfo

from cachetui.store.place import DatabaseAddress
from cachetui.store.postgres.database_errors import DatabaseError, refused, unreachable

_T = TypeVar("_T")
Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"

MOST = 6
_FAILED_FOR = 2.0
"""Seconds in which nobody else tries when there was no connection: hundreds of threads would each
wait."""

_SETTINGS = {
    "fallback_application_name": "cachetui",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # milliseconds
}
"""What holds unless the address says otherwise: a network that is gone is noticed within a
minute."""

_HELD = (
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
)
"""So the server notices too, and gives locks up."""


class Connections:
    """Up to `MOST` connections. Any thread may call any method. `on_renewed` is called when a
    connection had broken and another could be made."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self.on_renewed: Callable[[], None] = lambda: None
        self._parameters = _parameters(address)
        self._turns = threading.BoundedSemaphore(MOST)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._of_thread = threading.local()
        self._failed: tuple[float, DatabaseError] | None = None

    def do(self, work: Callable[[Connection], _T]) -> _T:
        """The result of `work`, which is done once more on a new connection where one broke: it has
        to be such that this does no harm. Raises `DatabaseError`."""
        bound: Connection | None = getattr(self._of_thread, "bound", None)
        if bound is not None:
            return self._tried(work, bound)
        with self._turns:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is not None:
                try:
                    return self._used(work, connection)
                except DatabaseError as error:
                    if not error.lost:
                        raise
                self._close_idle()  # they are of the same server, which was started again
                result = self._used(work, self.connect())
                self.on_renewed()
                return result
            return self._used(work, self.connect())

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """One connection for all that this thread does in the block, as one transaction. Raises
        `DatabaseError`."""
        with self._turns:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or self._is_gone(connection):
                connection = self.connect()
            self._of_thread.bound = connection
            try:
                with connection.transaction():
                    yield connection
            except psycopg.Error as error:
                raise refused(self.address, error, lost=_lost(connection)) from None
            finally:
                self._of_thread.bound = None
                self._give_back(connection)

    def connect(self, *, held: bool = False) -> Connection:
        """A new connection; one that is `held` has locks. Raises `DatabaseError`."""
        failed = self._failed
        if failed is not None and time.monotonic() - failed[0] < _FAILED_FOR:
            raise failed[1]
        try:
            connection = psycopg.connect(self._parameters, autocommit=True)
            if held:
                connection.execute(_HELD)
        except psycopg.Error as error:
            trouble = unreachable(self.address, error)
            self._failed = (time.monotonic(), trouble)
            raise trouble from None
        self._failed = None
        return connection

    def close(self) -> None:
        self._close_idle()

    def _used(self, work: Callable[[Connection], _T], connection: Connection) -> _T:
        try:
            return self._tried(work, connection)
        finally:
            self._give_back(connection)

    def _tried(self, work: Callable[[Connection], _T], connection: Connection) -> _T:
        try:
            return work(connection)
        except psycopg.Error as error:
            raise refused(self.address, error, lost=_lost(connection)) from None

    def _is_gone(self, connection: Connection) -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            connection.close()
            return True
        return False

    def _give_back(self, connection: Connection) -> None:
        if _lost(connection) or connection.info.transaction_status != _AT_REST:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


_AT_REST = psycopg.pq.TransactionStatus.IDLE


def _lost(connection: Connection) -> bool:
    return connection.closed or connection.broken


def _parameters(address: DatabaseAddress) -> str:
    """What libpq is given; the password of ~/.pgpass and a service file's words it reads itself."""
    try:
        given = conninfo.conninfo_to_dict(address.url)
    except psycopg.Error:  # its words may have a part of the password in them
        given = {"port": "none"}
    # Where a password has a slash in it, a part of it is taken for the port, and shown as such.
    misread = any("@" in str(given.get(name, "")) for name in ("host", "dbname"))
    if misread or not re.fullmatch(r"[\d,]*", str(given.get("port", ""))):
        raise DatabaseError(
            f"{address} is not an address that PostgreSQL knows: in a user or password, the signs "
            "@ : / ? # % are written as %40 %3A %2F %3F %23 %25; a password is better kept in "
            "~/.pgpass"
        )
    settings = {k: v for k, v in _SETTINGS.items() if f"PG{k.upper()}" not in os.environ}
    return conninfo.make_conninfo("", **{**settings, **given})
