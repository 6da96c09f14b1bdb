"""A store's entries in PostgreSQL: see `Backing`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from cachetui.records.digest import ValueHasher
from cachetui.store.glance import default_folder
from cachetui.store.place import UNSENT, DatabaseAddress
from cachetui.store.postgres.aside import Aside
from cachetui.store.postgres.connections import Connections
from cachetui.store.postgres.database_errors import DatabaseError
from cachetui.store.postgres.database_table import DatabaseTable
from cachetui.store.postgres.database_use import DatabaseUse
from cachetui.store.postgres.migrations import bring_up_to_date
from cachetui.store.secret import NOT_COMPARED, OpenedSecret, hasher_of
from cachetui.store.sizes import Kind, Row, room_of, row_kinds
from cachetui.store.troubles import StoreError, cannot_keep

_COPIES = "layers"
_TRIAL_BYTES = 64 * 1024


class DatabaseBacking:
    """Raises `StoreError` when the database cannot be reached, or its tables are not those that
    this version needs and cannot be made so."""

    def __init__(self, address: DatabaseAddress, warnings: list[str]) -> None:
        self.where = str(address)
        self.folder = local_folder(address)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise cannot_keep("results", self.folder, error) from None
        self._connections = Connections(address)
        try:
            bring_up_to_date(self._connections)
        except DatabaseError as error:
            self._connections.close()
            raise StoreError(str(error)) from None
        self._aside = Aside(self.folder / UNSENT, address, warnings)
        self.runs, self.audits, self.blobs = (
            DatabaseTable(part, self._connections, warnings, self._aside)
            for part in ("runs", "audits", "blobs")
        )
        self.in_use = DatabaseUse(self._connections)
        self._connections.on_renewed = self.in_use.renew

    def secret(self) -> OpenedSecret:
        """The team's. A user who may not read it has one for this process alone."""
        ask = "SELECT line FROM cachetui.secret"
        try:
            row = self._connections.do(lambda connection: connection.execute(ask).fetchone())
        except DatabaseError as error:
            if not error.denied:
                raise StoreError(str(error)) from None
            trouble = f"this user may not read the store's secret: {NOT_COMPARED}"
            return OpenedSecret(ValueHasher.for_once(), problem=trouble)
        hasher = hasher_of(row[0]) if row is not None else None
        if hasher is None:
            raise StoreError(f"the secret of the store at {self.where} is missing or damaged")
        return OpenedSecret(hasher)

    def prepare(self) -> None:
        trial = f"trial:{time.time_ns()}"
        self.runs.put(trial, bytes(_TRIAL_BYTES), "results")
        self.runs.delete(trial)

    def keeping(self) -> AbstractContextManager[None]:
        return self._aside.keeping()

    def room(self) -> int:
        """Bytes of values in the database, and of the copies of layers here: what the server's
        files take shrinks in its own time."""
        ask = "SELECT coalesce(sum(size), 0)::bigint FROM cachetui.entries"
        try:
            row = self._connections.do(lambda connection: connection.execute(ask).fetchone())
        except DatabaseError as error:
            raise StoreError(f"cannot read the store: {error}") from None
        return (int(row[0]) if row else 0) + room_of(self.folder / _COPIES)

    def overhead(self, rows: Mapping[str, Row]) -> float:
        del rows
        return 1.0

    def kinds(self, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
        return row_kinds(rows, self.folder / _COPIES)

    def close(self) -> None:
        self.in_use.close()
        self._connections.close()
        self._aside.close()


def local_folder(address: DatabaseAddress) -> Path:
    """The folder of this machine for what belongs to a store there but is not in it."""
    name = hashlib.sha256(str(address).encode("utf-8", "replace")).hexdigest()[:16]
    return default_folder().with_name("cachetui-team") / name
