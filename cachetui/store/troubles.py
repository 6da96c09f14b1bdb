"""Why this machine cannot keep something, in words, and what would help."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

ELSEWHERE = "name another folder with --store or $CACHETUI_STORE"
_TRIAL_BYTES = 128 * 1024
"""What SQLite takes at once when it opens a store and writes a row, about."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StoreError(Exception):
    """The store cannot be opened or written: says where, and what would help."""


def cannot_keep(what: str, folder: Path, error: Exception) -> StoreError:
    """The error to raise for what diskcache, SQLite or the file system said."""
    reason, remedy = _reason(folder, os_error(folder, error))
    return StoreError(f"cannot keep {what}: {reason}; {remedy}")


def reason(folder: Path, error: Exception) -> str:
    """Why nothing can be written into a folder, in a few words that name it."""
    return _reason(folder, os_error(folder, error))[0]


def is_full(folder: Path, error: Exception) -> bool:
    """Whether there was no room, or no more than a quota or limit allows."""
    return getattr(os_error(folder, error), "errno", None) in _FULL


def os_error(folder: Path, error: Exception) -> Exception:
    """The file system's error behind one of SQLite's, which says "disk I/O error" of them all."""
    if isinstance(error, OSError):
        return error
    if isinstance(error, sqlite3.Error) and "disk is full" in str(error):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as trial:
            write_all(trial.fileno(), bytes(_TRIAL_BYTES))
    except OSError as found:
        return found
    return error


def write_all(file: int, data: bytes) -> None:
    """Write all of it: a disk that fills up takes a part first. Raises `OSError`."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _reason(folder: Path, error: Exception) -> tuple[str, str]:
    match getattr(error, "errno", None):
        case errno.ENOSPC:
            return f"no room in {folder}", f"make room there, or {ELSEWHERE}"
        case errno.EDQUOT:
            return f"your quota in {folder} is used up", f"make room there, or {ELSEWHERE}"
        case errno.EFBIG:
            return f"no larger file is allowed in {folder}", "raise the limit (ulimit -f)"
        case errno.EROFS:
            return f"the file system of {folder} is read-only", ELSEWHERE
        case errno.EACCES | errno.EPERM:
            return f"{folder} must not be written to", f"change its permissions, or {ELSEWHERE}"
        case errno.ENOENT | errno.ENOTDIR:
            gone = f"what was in {folder} is gone" if folder.is_dir() else f"{folder} is gone"
            return gone, f"let it be there, or {ELSEWHERE}"
        case _:
            return f"{folder}: {error}", ELSEWHERE
