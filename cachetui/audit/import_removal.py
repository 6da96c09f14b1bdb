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

CONTAINERD = "on the containerd image store, builds miss once a record is removed"
"""Our lab, 28.5: the build of the records' user then missed all of its steps, also where the one
record that was removed was of another build."""

BUILDER = "a buildx builder's records are not removed"

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


def stays_imported(
    facts: HostFacts,
    before: Iterable[CacheRecord] | None,
    after: Iterable[CacheRecord] | None,
    marks: Collection[str],
) -> str | None:
    """What the import changes for the next build on a host where nothing is removed, in a sentence;
    None where it changes nothing. `before` and `after` are the records of the host's cache, None
    where it did not list them."""
    if not marks or removes_imports(facts, marks):
        return None
    what = "what was imported stays"
    if before is not None and after is not None:
        records = imported_records({record.id for record in before}, after, marks)
        if not records:
            return None
        many = len(records) > 1
        what = f"{len(records)} imported records stay" if many else "1 imported record stays"
    why = CONTAINERD if facts.store.startswith("containerd") else BUILDER
    return (
        f"{what} in the cache ({why}): the next build hits at least as many steps, but takes an "
        "imported result that is newer than the host's own, so its image can be another than before"
    )


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
