"""The tables in the database, by version, and how each version is made of the one before.

The role that owns the database makes them when it opens the store; others only use them.
"""

from __future__ import annotations

from psycopg import errors

from cachetui.store.place import DatabaseAddress
from cachetui.store.postgres.connections import Connection, Connections
from cachetui.store.postgres.database_errors import DatabaseError
from cachetui.store.secret import new_line

SCHEMA = "cachetui"
_LOCK = 0x63616368_65747569
"""The number under which those who migrate wait for each other: "cachetui"."""

_FIRST = """
CREATE TABLE cachetui.entries (
    part text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    is_text boolean NOT NULL,
    size bigint NOT NULL,
    value bytea,
    PRIMARY KEY (part, key)
);
COMMENT ON COLUMN cachetui.entries.value IS 'null where it is in blocks';
CREATE TABLE cachetui.blocks (
    entry bigint NOT NULL REFERENCES cachetui.entries (id) ON DELETE CASCADE,
    number integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (entry, number)
);
ALTER TABLE cachetui.blocks ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE cachetui.secret (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    line text NOT NULL
);
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
"""What makes version 1, 2, … of the one before."""

_VERSIONS = """
CREATE SCHEMA IF NOT EXISTS cachetui;
CREATE TABLE IF NOT EXISTS cachetui.versions (
    version integer PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    made_by text NOT NULL DEFAULT current_user
);
"""


def bring_up_to_date(connections: Connections) -> None:
    """Make the tables, or make them newer, unless they are as this version needs them. Raises
    `DatabaseError`: they are newer, or this user may not."""
    address = connections.address
    found = connections.do(lambda connection: _version(connection, address))
    if found == len(MIGRATIONS):
        return
    _refuse_newer(found, address)
    try:
        with connections.one() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            found = _version(connection, address)  # another may have done it meanwhile
            _refuse_newer(found, address)
            if found < len(MIGRATIONS):
                _migrate(connection, found)
    except DatabaseError as error:
        if error.denied:
            raise _not_allowed(found, address) from None
        raise


def _migrate(connection: Connection, found: int) -> None:
    if not found:
        connection.execute(_VERSIONS)
    for number, statements in enumerate(MIGRATIONS[found:], found + 1):
        connection.execute(statements.encode())
        connection.execute("INSERT INTO cachetui.versions (version) VALUES (%s)", (number,))
    if not found:
        connection.execute("INSERT INTO cachetui.secret (line) VALUES (%s)", (new_line(),))


def _version(connection: Connection, address: DatabaseAddress) -> int:
    """The version of the tables, 0 where there are none."""
    ask = "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename = 'versions'"
    (there,) = connection.execute(ask, (SCHEMA,)).fetchone() or (0,)
    if not there:
        return 0
    try:
        row = connection.execute("SELECT max(version) FROM cachetui.versions").fetchone()
    except errors.InsufficientPrivilege:
        raise DatabaseError(
            f"{address} has a store that this user may not read: let its owner grant what "
            "docs/team-store.md names"
        ) from None
    return int(row[0] or 0) if row else 0


def _refuse_newer(found: int, address: DatabaseAddress) -> None:
    if found > len(MIGRATIONS):
        raise DatabaseError(
            f"the store at {address} was made by a newer cachetui (version {found} of its tables; "
            f"this one knows {len(MIGRATIONS)}): update cachetui"
        )


def _not_allowed(found: int, address: DatabaseAddress) -> DatabaseError:
    if not found:
        what = f"{address} has no store yet, and this user may not make one"
    else:
        what = (
            f"the store at {address} has tables of version {found}, this cachetui needs "
            f"{len(MIGRATIONS)}, and this user may not change them"
        )
    return DatabaseError(f"{what}: let its owner open it once, with cachetui store --store ADDRESS")
