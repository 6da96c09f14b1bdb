"""Notes on an engine: what they are called, how those that were left are read, and what they say is
to be removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from cachetui.config.settings import HostSettings
from cachetui.records.base import Record
from cachetui.records.from_json import from_json
from cachetui.records.host import HostFacts
from cachetui.store.database import Store
from cachetui.store.journal import Journal

First = TypeVar("First", bound=Record)
Last = TypeVar("Last", bound=Record)

AFTER_SECONDS = 40.0
"""How long a build may go on after the last that was heard of it: see `hosts.watcher`."""


@dataclass
class Noted:
    """What an audit that is gone has left on a connected host: `lines` say what, `commands` remove
    it. `journal` is then to be dropped. `restarted_at` is when the host was started, where that was
    since. `stays` asks, after the removal, what of it is still there, and says so in words; it
    raises `HostError`."""

    audit: str
    journal: Journal
    lines: list[str]
    commands: list[str]
    restarted_at: float | None = None
    stays: Callable[[], str | None] = lambda: None


def engine_topic(host: HostSettings, facts: HostFacts) -> str:
    """What the notes on an engine begin with, under whatever name of a host. A builder that is in
    no docker engine has its own, since it alone can empty its mounts."""
    names = (facts.same_engine or host.name, *facts.own_cache)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def left_notes(
    store: Store, topic: str, first: type[First], last: type[Last]
) -> Iterator[tuple[Journal, First, Last | None]]:
    """The notes on a topic whose writers are gone: their first line, and their last if they have
    more; whoever gets a journal leaves or drops it. What cannot be read is dropped."""
    for journal in store.left_journals(topic):
        try:
            lines = journal.lines()
            begun = from_json(lines[0], first)
            ended = from_json(lines[-1], last) if len(lines) > 1 else None
        except (OSError, IndexError, msgspec.DecodeError):
            journal.drop()
            continue
        yield journal, begun, ended
