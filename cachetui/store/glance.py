"""What the store has, for shell completion: read from its files as they are, with nothing heavy
imported and nothing written. What cannot be read is not there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetui.store.place import DatabaseAddress, StorePlace

_CHECKSUM = 9
"""Characters behind a record: see `plain_cache`."""


def default_folder() -> Path:
    """The user's cache folder for cachetui, by XDG's rules."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("cachetui", appauthor=False))


@dataclass(frozen=True, slots=True)
class Glance:
    """An audit as completion needs it."""

    audit: str
    build: str
    hosts: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()

    @property
    def peek(self) -> bool:
        """Whether it looked at caches only."""
        return bool(self.scenarios) and all(name.endswith("-peek") for name in self.scenarios)


def audits(place: StorePlace | None) -> list[Glance]:
    """The stored audits, newest first, without their hosts."""
    entries = [entry for _, entry in _records(place, "entry:")]
    entries.sort(key=lambda entry: entry.get("started_at") or 0.0, reverse=True)
    return [
        Glance(str(entry.get("audit")), str(entry.get("build")), (), _texts(entry, "scenarios"))
        for entry in entries
    ]


def audit(place: StorePlace | None, name: str) -> Glance | None:
    """The audit that a name means, as `Store.resolve` has it, with its hosts."""
    known = audits(place)
    built = [each.audit for each in known if not each.peek] or [each.audit for each in known]
    found = built[:1] if name == "last" else [e.audit for e in known if e.audit.startswith(name)]
    if name in found:
        found = [name]
    if not name or len(found) != 1:
        return None
    for key, kept in _records(place, f"doc:{found[0]}"):
        document = kept.get("document")
        if key == f"doc:{found[0]}" and isinstance(document, dict):
            hosts = tuple(
                str(host["name"])
                for host in document.get("hosts") or ()
                if isinstance(host, dict) and "name" in host
            )
            return Glance(found[0], "", hosts, _texts(document, "scenarios"))
    return None


def _texts(record: dict[str, Any], key: str) -> tuple[str, ...]:
    value = record.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _records(place: StorePlace | None, beginning: str) -> list[tuple[str, dict[str, Any]]]:
    """The records whose key begins so, with their keys."""
    if isinstance(place, DatabaseAddress):
        texts = iter(_of_database(place, beginning))
    else:
        texts = _of_folder((place or default_folder()) / "audits", beginning)
    found: list[tuple[str, dict[str, Any]]] = []
    for key, text in texts:
        with suppress(ValueError, TypeError):
            record = json.loads(text[:-_CHECKSUM])
            if isinstance(record, dict):
                found.append((key, record))
    return found


def _of_database(address: DatabaseAddress, beginning: str) -> list[tuple[str, str]]:
    try:
        from cachetui.store.postgres.database_glance import texts
    except ImportError:
        return []
    return texts(address, beginning)


def _of_folder(place: Path, beginning: str) -> Iterator[tuple[str, str]]:
    database = place / "cache.db"
    if not database.is_file():
        return
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        ) as opened:
            rows = opened.execute(
                "SELECT key, value, filename FROM Cache WHERE raw = 1 AND key >= ? AND key < ?",
                (beginning, f"{beginning}\uffff"),
            ).fetchall()
    except sqlite3.Error:
        return
    for key, value, file in rows:
        with suppress(OSError, ValueError):
            yield key, (place / file).read_text("utf-8") if file else value
