"""Notes on an engine: what they are called, and what they say is to be removed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cachetui.config.settings import HostSettings
from cachetui.records.host import HostFacts
from cachetui.store.journal import Journal

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
