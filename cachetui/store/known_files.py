"""The digests of contexts' files, kept from one reading to the next: a file for each folder.

They are a store's, as they tell what a context held. Where they cannot be read or kept, all is read
again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cachetui.context.known_digests import KnownDigests
from cachetui.store.plain_disk import private_file

FOLDER = "known-files"
LEAST_FILES = 1000
LEAST_BYTES = 32 * 1024 * 1024
"""Below both, a context is read as fast as this would be."""

MOST_BYTES = 64 * 1024 * 1024
"""Of all together; the oldest go."""


@contextmanager
def known_digests(store: Path, context: Path) -> Iterator[KnownDigests]:
    """What is known of the files of a context from its last reading, for one in the block, after
    which that is kept in its place."""
    name = hashlib.sha256(os.fsencode(context.resolve())).hexdigest()
    path = store / FOLDER / name
    known = KnownDigests(_data(path))
    yield known
    data = known.data()
    if data is None or (known.files < LEAST_FILES and known.read < LEAST_BYTES):
        return
    with suppress(OSError):
        _keep(path, data)


def _data(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _keep(path: Path, data: bytes) -> None:
    """Write it whole or not at all, in the room of the oldest. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    others = sorted(
        (
            (other.stat().st_mtime_ns, other.stat().st_size, other)
            for other in path.parent.iterdir()
        ),
        reverse=True,
    )
    room = MOST_BYTES - len(data)
    for _, size, other in others:
        room -= size if other != path else 0
        if room < 0:
            other.unlink(missing_ok=True)
    if len(data) > MOST_BYTES:
        return
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with private_file(new) as file:
            file.write(data)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
