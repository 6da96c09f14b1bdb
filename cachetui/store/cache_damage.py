"""What an error of diskcache's says of its files: damaged, or full, locked or forbidden."""

from __future__ import annotations

import re
import sqlite3

import diskcache

from cachetui.store.troubles import StoreError

FAILURES = (OSError, sqlite3.Error, diskcache.Timeout)
"""What diskcache raises when a disk is full, or a file cannot be opened or locked."""

_DAMAGE = re.compile(
    r"no such (table|column)|malformed|not a database|decode|syntax|schema|file format", re.I
)
"""SQLite's operational errors that speak of what is in the file; others of disk and locks."""

_OF_A_ROW = "decode"
"""In what SQLite says of text in one row that is not UTF-8."""


def is_damage(error: Exception) -> bool:
    """Whether an error of diskcache's says that what is in its files is damaged, and not that a
    disk is full or a file locked or forbidden."""
    if isinstance(error, OSError | diskcache.Timeout | StoreError):
        return False
    if isinstance(error, sqlite3.OperationalError):
        return _DAMAGE.search(str(error)) is not None
    return True


def is_of_a_row(error: Exception) -> bool:
    """Whether the damage is in one row's text, and the file can still be used."""
    return _OF_A_ROW in str(error)
