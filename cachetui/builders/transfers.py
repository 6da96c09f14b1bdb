"""Imports and exports of caches among BuildKit's vertices. Pure.

A failed import is no error to BuildKit: the vertex ends with one, and the build goes on (our lab:
all four engines). A folder that is not there has no vertex: the client warns of it (BuildKit
`client/solve.go`, parseCacheOptions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cachetui.builders.events import Ended, Event, Message, Started
from cachetui.records.share import CacheTransfer

_IMPORT = re.compile(r"importing cache manifest from (?P<name>.+)")
_EXPORT = re.compile(r"exporting cache(?: to (?P<name>.+))?")
_NO_FOLDER = re.compile(r"local cache import at (?P<name>.+) not found due to err: (?P<why>.+)")
_HASHED = re.compile(r"[a-z0-9]+:[0-9]{10,}")
"""How BuildKit names an import that has no reference: its type, and a hash of its fields
(`solver/llbsolver/bridge.go`, cmKey)."""
MOST = 100


@dataclass
class Transfers:
    """Takes a run's events in order."""

    _by_key: dict[str, CacheTransfer] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Started) and event.key not in self._by_key:
            transfer = _transfer(event.name)
            if transfer is not None and len(self._by_key) < MOST:
                self._by_key[event.key] = transfer
        elif isinstance(event, Ended) and event.key in self._by_key:
            begun = self._by_key[event.key]
            self._by_key[event.key] = CacheTransfer(
                direction=begun.direction,
                name=begun.name,
                seconds=event.seconds,
                ended=event.outcome != "cancelled",
                error=(event.error or "it failed") if event.outcome == "failed" else None,
            )

        elif isinstance(event, Message) and len(self._by_key) < MOST:
            found = _NO_FOLDER.search(event.text)
            if found is not None:
                self._by_key[f"folder {found['name']}"] = CacheTransfer(
                    direction="import",
                    name=found["name"],
                    ended=True,
                    error=found["why"].rstrip('"'),
                )

    @property
    def all(self) -> tuple[CacheTransfer, ...]:
        """Those that began, in that order."""
        return tuple(self._by_key.values())


def is_reference(name: str) -> bool:
    """Whether a transfer's name is a reference in a registry, and no folder or other place."""
    return not name.startswith("/") and _HASHED.fullmatch(name) is None


def _transfer(name: str) -> CacheTransfer | None:
    found = _IMPORT.fullmatch(name)
    if found is not None:
        return CacheTransfer(direction="import", name=found["name"])
    found = _EXPORT.fullmatch(name)
    return CacheTransfer(direction="export", name=found["name"] or "") if found else None
