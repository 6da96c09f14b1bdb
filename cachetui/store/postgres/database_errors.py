"""What PostgreSQL and its client say, in a sentence with what would help and no password."""

from __future__ import annotations

from urllib.parse import unquote

import psycopg
from psycopg import errors

from cachetui.store.place import DatabaseAddress
from cachetui.store.troubles import StoreError

ANOTHER = "name another store with --store or $CACHETUI_STORE"
_RIGHTS = "let its owner grant what docs/team-store.md names"
_LONGEST = 300
_SHORTEST_PASSWORD = 3

_AT_CONNECTING = (
    ("password authentication failed", "check the user, and the password in ~/.pgpass"),
    ("no password supplied", "put the password into ~/.pgpass, or name a file with $PGPASSFILE"),
    ("does not exist", "check the address, or let its owner make what is missing"),
    ("too many", "let others end, or let the server's owner raise max_connections"),
    ("no pg_hba.conf entry", "let the server's owner allow this machine and user"),
    ("definition of service", "check the name, and the file that $PGSERVICEFILE names"),
)


class DatabaseError(StoreError):
    """The database does not answer, or refuses: `lost` says that the connection is gone, `denied`
    that this user lacks a right."""

    def __init__(self, message: str, *, lost: bool = False, denied: bool = False) -> None:
        super().__init__(message)
        self.lost = lost
        self.denied = denied


def unreachable(address: DatabaseAddress, error: Exception) -> DatabaseError:
    """The error to raise where no connection can be made."""
    text = words(address, error)
    remedy = next((helps for said, helps in _AT_CONNECTING if said in text), None)
    remedy = remedy or f"see that the server runs and can be reached from here, or {ANOTHER}"
    return DatabaseError(f"no connection to {address}: {text}; {remedy}", lost=True)


def refused(address: DatabaseAddress, error: Exception, *, lost: bool = False) -> DatabaseError:
    """The error to raise for what the database said to a command."""
    text = words(address, error)
    match error:
        case errors.InsufficientPrivilege():
            remedy = _RIGHTS
        case errors.DiskFull():
            remedy = "make room on the server"
        case errors.ReadOnlySqlTransaction():
            remedy = "it is a standby or read-only: name the server that takes changes"
        case _ if lost:
            return DatabaseError(f"the connection to {address} broke: {text}", lost=True)
        case _:
            remedy = ANOTHER
    denied = isinstance(error, errors.InsufficientPrivilege)
    return DatabaseError(f"{address} refuses: {text}; {remedy}", lost=lost, denied=denied)


def words(address: DatabaseAddress, error: Exception) -> str:
    """What was said, in one line."""
    text = " ".join(str(error).split()).removeprefix("connection failed: ")
    text = text.removeprefix("connection is bad: ").partition(" Is the server running")[0]
    if password := _password(address):
        text = text.replace(password, "***")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _password(address: DatabaseAddress) -> str | None:
    user = address.url.partition("://")[2].rpartition("@")[0]
    password = unquote(user.partition(":")[2])
    try:
        known = psycopg.conninfo.conninfo_to_dict(address.url).get("password")
    except psycopg.Error:
        known = None
    found = str(known) if known else password
    return found if len(found) >= _SHORTEST_PASSWORD else None
