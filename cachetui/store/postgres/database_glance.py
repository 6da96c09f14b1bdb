"""What shell completion reads of a database: nothing is made, and nobody waits for long."""

from __future__ import annotations

import psycopg
from psycopg import conninfo

from cachetui.store.place import DatabaseAddress

_LAST = "\U0010ffff"


def texts(address: DatabaseAddress, beginning: str) -> list[tuple[str, str]]:
    """(key, text) of the audits' entries whose key begins so; none where they cannot be read."""
    ask = (
        "SELECT key, convert_from(value, 'UTF8') FROM cachetui.entries WHERE part = 'audits' "
        "AND is_text AND value IS NOT NULL AND key >= %s AND key < %s"
    )
    try:
        where = conninfo.make_conninfo(address.url, connect_timeout=2)
        with psycopg.connect(where, autocommit=True) as connection:
            return connection.execute(ask, (beginning, beginning + _LAST)).fetchall()
    except psycopg.Error:
        return []
