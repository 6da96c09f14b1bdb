"""What an experiment imports into a host's own cache, noted on this machine before it is imported.

So an experiment that was killed, or that lost its connection, is tidied up after by the next audit
of that engine, or by `cachetui clean`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from cachetui.audit.cleanup import cache_records
from cachetui.audit.engine_images import engine_clock
from cachetui.audit.imported_records import imported_records, removal_command
from cachetui.audit.noted import AFTER_SECONDS, Noted, engine_topic, left_notes
from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.machine import Machine
from cachetui.records.base import Record
from cachetui.records.host import HostFacts
from cachetui.store.database import Store
from cachetui.store.journal import Journal
from cachetui.store.troubles import StoreError

NOT_LISTED = "the engine did not list its cache"
MAY_MISS = "a build of this Dockerfile may run a step once more that was cached"


_EVERY = 5.0
"""Seconds after which it is noted again that a build goes on."""


class _Imports(Record, frozen=True, kw_only=True):
    """The first line: which `audit` imports, the ids of the records that the host had `before`, and
    the `marks` of what it imports (see `imported_records`)."""

    audit: str
    before: tuple[str, ...]
    marks: tuple[str, ...]


class _GoesOn(Record, frozen=True, kw_only=True):
    """A later line: it still builds, `at` some seconds since the epoch."""

    at: int


@dataclass
class ImportNotes:
    """The notes of one experiment on one host, being taken."""

    _journal: Journal

    @classmethod
    def begin(
        cls,
        store: Store,
        audit: str,
        host: HostSettings,
        facts: HostFacts,
        before: Iterable[CacheRecord],
        marks: Collection[str],
    ) -> ImportNotes:
        """Note what is about to be imported. Raises `StoreError`: then it is not to be."""
        ids = sorted(record.id for record in before)
        head = _Imports(audit=audit, before=tuple(ids), marks=tuple(sorted(marks)))
        return cls(store.begin_journal(_topic(host, facts), audit, head))

    def goes_on(self) -> None:
        """A build of the experiment goes on; what is made long after the last is the user's."""
        with suppress(StoreError):
            self._journal.note(_GoesOn(at=int(time.time() // _EVERY * _EVERY)))

    def removed(self, looked: bool) -> None:
        """The experiment is over; `looked`: what it imported is gone."""
        self._journal.end(done=looked)


def imports_on(
    machine: Machine, host: HostSettings, facts: HostFacts, store: Store
) -> Iterator[Noted]:
    """What experiments of this machine that are over have imported there, and that is still in the
    host's cache. Notes on an engine that does not list it are kept. Raises `HostError`."""
    for journal, noted, _ in left_notes(store, _topic(host, facts), _Imports, _GoesOn):
        try:
            found = _found(machine, host, facts, noted, journal)
        except BaseException:
            journal.leave()
            raise
        if found is None:
            journal.leave()
        elif found.commands:
            yield found
        else:
            journal.drop()


def _found(
    machine: Machine, host: HostSettings, facts: HostFacts, noted: _Imports, journal: Journal
) -> Noted | None:
    """None where the engine does not list its cache."""
    after = cache_records(machine, host, facts.builder)
    if after is None:
        return None
    told = engine_clock(machine, host)
    ahead = told - time.time() if told is not None else 0.0
    until = journal.written_at + ahead + _EVERY + AFTER_SECONDS
    records = imported_records(noted.before, after, noted.marks, until)

    def stays() -> str | None:
        there = cache_records(machine, host, facts.builder)
        if there is None:
            return f"{NOT_LISTED}; {MAY_MISS}"
        left = len({record.id for record in there} & set(records))
        return f"{left} of {len(records)} imported records stay; {MAY_MISS}" if left else None

    found = Noted(noted.audit, journal, [], [], stays=stays)
    if records:
        found.commands.append(removal_command(client(host.docker, host.env), records))
        what = "record" if len(records) == 1 else "records"
        found.lines.append(f"{len(records)} cache {what} that audit {noted.audit} imported")
    return found


def _topic(host: HostSettings, facts: HostFacts) -> str:
    return f"imported-{engine_topic(host, facts)}"
