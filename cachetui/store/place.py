"""Where a store is: a folder, or the address of a database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

_DATABASE = re.compile(r"postgres(ql)?:", re.I)
_OTHER = re.compile(r"([a-z][a-z0-9+.-]*)://", re.I)
_HIDDEN = "***"
_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&#]*", re.I)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A URL as libpq takes it. As text, it has no password: that is in `url` alone."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        scheme, colon, rest = self.url.partition(":")
        slashes = "//" if rest.startswith("//") else ""
        # All before the last @ belongs to the user: a password may hold any sign, if wrongly.
        user, at, place = rest.removeprefix(slashes).rpartition("@")
        name, hidden, _ = user.partition(":")
        shown = f"{name}:{_HIDDEN}" if hidden else name
        return _PASSWORD.sub(rf"\1{_HIDDEN}", f"{scheme}{colon}{slashes}{shown}{at}{place}")

    def __repr__(self) -> str:
        return f"DatabaseAddress({str(self)!r})"


UNSENT = "unsent"
"""The folder, in that of a database's store on this machine, of what the database did not take."""

StorePlace: TypeAlias = Path | DatabaseAddress


def read_place(text: str) -> StorePlace:
    """The place that a user names. Raises `ValueError` for an address that no store can have."""
    if _DATABASE.match(text):
        if not re.match(r"postgres(ql)?://", text, re.I):
            raise ValueError("an address of a database begins with postgresql://")
        return DatabaseAddress(text)
    if other := _OTHER.match(text):
        raise ValueError(
            f"no store can be at {other[1]}://…: it is a folder, or a database at postgresql://…"
        )
    return Path(text)
