"""What an experiment imported is taken out of a host's own cache again: see
`audit.imported_records`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cachetui.audit.cleanup import MEASURE_SECONDS, cache_records
from cachetui.audit.import_notes import MAY_MISS, NOT_LISTED
from cachetui.audit.imported_records import imported_records, removal_command
from cachetui.audit.leftovers import run_removal
from cachetui.builders.client import client
from cachetui.hosts.cache_records import CacheRecord
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.records.host import HostFacts

HURRIED_SECONDS = 5.0
"""How long the engine may list its cache when the experiment is stopped."""


def result_dates(host: ExperimentHost) -> frozenset[str]:
    """When each result in the host's cache was made, as docker prints it, to the nanosecond; empty
    where the engine does not list its cache. Raises `HostError`."""
    records = cache_records(host.machine, host.host, host.facts.builder) or ()
    return frozenset(record.created_at for record in records if record.created_at)


def removes_imports(facts: HostFacts, dates: Collection[str]) -> bool:
    """Whether what has these dates is to be removed from such a host's cache again."""
    return bool(dates) and not facts.store.startswith("containerd")


def take_out(
    host: ExperimentHost, before: Iterable[CacheRecord] | None, dates: Collection[str]
) -> tuple[tuple[CacheRecord, ...] | None, str | None]:
    """Remove what the experiment imported. Returns the records that the host's cache holds then,
    None where that was not asked or is not known, and what stays that should not, in a sentence.
    Raises `HostError`."""
    removes = removes_imports(host.facts, dates)
    ask = before is not None and (removes or not host.cancel.is_set())
    after = _listed(host) if ask else None
    if not removes:
        return after, None
    name = host.host.name
    if before is None or after is None:
        return None, f"{name}: what was imported stays in the cache: {NOT_LISTED}; {MAY_MISS}"
    records = imported_records({record.id for record in before}, after, dates)
    if not records:
        return after, None
    docker = client(host.host.docker, host.host.env)
    if not run_removal(host.machine, [removal_command(docker, records)], host.cancel):
        return None, None
    after = _listed(host)
    there = {record.id for record in after or ()} & set(records)
    if not there:
        return after, None
    return after, f"{name}: {len(there)} of {len(records)} imported records stay; {MAY_MISS}"


def _listed(host: ExperimentHost) -> tuple[CacheRecord, ...] | None:
    timeout = HURRIED_SECONDS if host.cancel.is_set() else MEASURE_SECONDS
    return cache_records(host.machine, host.host, host.facts.builder, timeout)
