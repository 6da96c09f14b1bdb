"""What digests of values are keyed with in the stores of surprises, so that recordings of them can
be read in any."""

from __future__ import annotations

from pathlib import Path

from cachetui.records.digest import SECRET_BYTES, ValueHasher
from cachetui.store.secret import FILE

SECRET = bytes(range(SECRET_BYTES))


def give_secret(store: Path) -> None:
    """Make it that of a store whose folder is still to be made."""
    store.mkdir(parents=True)
    line = f"{ValueHasher(SECRET).key} {SECRET.hex()}\n"
    (store / FILE).write_text(line)
