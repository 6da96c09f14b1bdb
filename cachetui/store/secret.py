"""The store's secret, with which digests of values are keyed (`records.digest`).

A file of one line, `KEY SECRET` in hex, for its user alone (0600). KEY follows from SECRET, so
damage shows. It is made once, and is whole from its first moment on: written aside and renamed,
under a lock that processes have in common.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cachetui.records.digest import SECRET_BYTES, ValueHasher
from cachetui.store.cache_file import opening

FILE = "secret"

NOT_COMPARED = (
    "values of build arguments in earlier audits cannot be compared with those of later ones"
)


@dataclass(frozen=True, slots=True)
class OpenedSecret:
    """`made` says that there was none before, `problem` what is to be told."""

    hasher: ValueHasher
    made: bool = False
    problem: str | None = None


LOST = f"the store's secret was lost, and a new one was made: {NOT_COMPARED}"


def open_secret(folder: Path) -> OpenedSecret:
    """The secret of the store in that folder, made where there is none or where it is damaged: then
    the damaged file is set aside. One that can be neither read nor made is for this process alone.
    Nothing is raised."""
    file = folder / FILE
    try:
        with opening(file):
            secret = _read(file)
            if secret is not None:
                return OpenedSecret(secret)
            aside = _set_aside(file)
            made = _make(file)
    except OSError as error:
        trouble = f"the store's secret can be neither read from {file} nor kept there: {error}"
        return OpenedSecret(ValueHasher.for_once(), problem=f"{trouble}; {NOT_COMPARED}")
    if aside is None:
        return OpenedSecret(made, made=True)
    trouble = f"the store's secret was damaged and set aside as {aside}, and a new one was made"
    return OpenedSecret(made, problem=f"{trouble}: {NOT_COMPARED}")


def new_line() -> str:
    """What is kept of a new secret."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return _line(secret, ValueHasher(secret))


def hasher_of(line: str) -> ValueHasher | None:
    """What makes digests with the kept secret; None where it is not whole."""
    secret = b""
    with suppress(ValueError):
        secret = bytes.fromhex(line.partition(" ")[2])
    hasher = ValueHasher(secret)
    whole = len(secret) == SECRET_BYTES and line == _line(secret, hasher)
    return hasher if whole else None


def _line(secret: bytes, hasher: ValueHasher) -> str:
    return f"{hasher.key} {secret.hex()}\n"


def _read(file: Path) -> ValueHasher | None:
    """What the file holds; None when it is not there or not whole."""
    try:
        text = file.read_bytes().decode("ascii", "replace")
    except (FileNotFoundError, IsADirectoryError):
        return None
    hasher = hasher_of(text)
    if hasher is None:
        return None
    if file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return hasher


def _make(file: Path) -> ValueHasher:
    line = new_line()
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=file.parent)  # of mode 0600
    try:
        with open(descriptor, "w", encoding="ascii") as new:
            new.write(line)
            new.flush()
            os.fsync(descriptor)
        Path(name).rename(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return ValueHasher(bytes.fromhex(line.partition(" ")[2]))


def _set_aside(file: Path) -> Path | None:
    """Where a damaged file is now; None when there is no file."""
    if not os.path.lexists(file):
        return None
    aside = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
    file.rename(aside)
    return aside
