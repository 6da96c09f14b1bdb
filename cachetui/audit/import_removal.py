"""What was imported is taken out of a host's own cache again: see `imported_records`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cachetui.audit.cleanup import MEASURE_SECONDS, cache_records, run_removal
from cachetui.audit.import_notes import MAY_MISS, NOT_LISTED
from cachetui.audit.imported_records import imported_records, removal_command
from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.machine import Cancel, Machine
from cachetui.records.host import HostFacts

HURRIED_SECONDS = 5.0
"""How long the engine may list its cache when what imports is stopped."""


def result_dates(machine: Machine, host: HostSettings, facts: HostFacts) -> frozenset[str]:
    """When each result in the host's cache was made, as docker prints it, to the nanosecond; empty
    where the engine does not list its cache. Raises `HostError`."""
    records = cache_records(machine, host, facts.builder) or ()
    return frozenset(record.created_at for record in records if record.created_at)


def removes_imports(facts: HostFacts, marks: Collection[str]) -> bool:
    """Whether what has these marks (see `imported_records`) is to be removed from such a host's
    cache again."""
    of_engine = facts.builder is None or facts.builder.of_docker
    return bool(marks) and of_engine and not facts.store.startswith("containerd")


@dataclass(frozen=True)
class ImportRemoval:
    """The removal on one connected host, by whoever imported there."""

    machine: Machine
    host: HostSettings
    facts: HostFacts
    cancel: Cancel

    def take_out(
        self, before: Iterable[CacheRecord] | None, marks: Collection[str]
    ) -> tuple[tuple[CacheRecord, ...] | None, str | None]:
        """Remove what has these marks. Returns the records that the host's cache holds then, None
        where that was not asked or is not known, and what stays that should not, in a sentence.
        After `cancel` the host removes it by itself, and neither is known. Raises `HostError`."""
        removes = removes_imports(self.facts, marks)
        ask = before is not None and (removes or not self.cancel.is_set())
        after = self._listed() if ask else None
        if not removes:
            return after, None
        if before is None or after is None:
            return None, f"what was imported stays in the cache: {NOT_LISTED}; {MAY_MISS}"
        records = imported_records({record.id for record in before}, after, marks)
        if not records:
            return after, None
        docker = client(self.host.docker, self.host.env)
        if not run_removal(self.machine, [removal_command(docker, records)], self.cancel):
            return None, None
        after = self._listed()
        there = {record.id for record in after or ()} & set(records)
        if not there:
            return after, None
        return after, f"{len(there)} of {len(records)} imported records stay; {MAY_MISS}"

    def _listed(self) -> tuple[CacheRecord, ...] | None:
        timeout = HURRIED_SECONDS if self.cancel.is_set() else MEASURE_SECONDS
        return cache_records(self.machine, self.host, self.facts.builder, timeout)
