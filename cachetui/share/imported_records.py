"""What an import brought into a host's own cache, and how it is taken out again.

A COPY has no host name in its key, only what it copies. So one that copies from a RUN of an
experiment can have the key of the user's own, and an import brings another result for it. On a
graph driver the user's next build can then take that result, and miss the RUN on top of its own
(our lab, in engines that had built much else: 20.10 each time, 26.1 one time in three). It does
not once those records are gone. On the containerd image store it never did, and there removing a
record makes builds miss that had hit: nothing is removed.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping

from cachetui.audit.cleanup import MEASURE_SECONDS, cache_records
from cachetui.audit.leftovers import run_removal
from cachetui.builders.client import client
from cachetui.hosts.cache_records import CacheRecord
from cachetui.prove.experiment_host import ExperimentHost

LOCAL = "source.local"
"""The type of a record of files that the client sent."""

HURRIED_SECONDS = 5.0
"""How long the engine may list its cache when the experiment is stopped."""

NOT_LISTED = "the engine did not list its cache"
MAY_MISS = "a build of this Dockerfile may run a step once more that was cached"


def result_dates(host: ExperimentHost) -> frozenset[str]:
    """When each result in the host's cache was made, as docker prints it, to the nanosecond; empty
    where the engine does not list its cache. Raises `HostError`."""
    records = cache_records(host.machine, host.host, host.facts.builder) or ()
    return frozenset(record.created_at for record in records if record.created_at)


def imported_records(
    before: Iterable[CacheRecord], after: Iterable[CacheRecord], dates: Collection[str]
) -> tuple[str, ...]:
    """The ids of the records of `after` that came from the cache of a host whose results have these
    dates, and of what was made on them since `before`; a record comes after those that stand on it.

    A result keeps its date through export and import (our lab: from 28.5 and 26.1, all kinds of
    export). So what another imports or builds meanwhile is not taken for ours.
    """
    old = {record.id for record in before}
    new = {record.id: record for record in after if record.id not in old}
    found = {one.id for one in new.values() if one.type != LOCAL and one.created_at in dates}
    while added := {one for one in new if one not in found and found & set(new[one].parents)}:
        found |= added
    depths = {one: len(_below(new, one)) for one in new}
    return tuple(sorted((one for one in new if one in found), key=lambda one: -depths[one]))


def _below(records: Mapping[str, CacheRecord], one: str) -> set[str]:
    """The records that it stands on, directly or not."""
    below: set[str] = set()
    level = {one}
    while level := {p for i in level for p in records[i].parents if p in records} - below:
        below |= level
    return below


def removal_command(docker: str, records: Iterable[str]) -> str:
    """Remove these records, one by one; what a build uses or others stand on stays. `docker` is the
    client as shell text."""
    ids = " ".join(shlex.quote(one) for one in records)
    prune = f'{docker} builder prune --all --force --filter "id=$i"'
    return f"for i in {ids}; do {prune}; done >/dev/null 2>&1; true"


def take_out(
    host: ExperimentHost, before: Iterable[CacheRecord] | None, dates: Collection[str]
) -> tuple[tuple[CacheRecord, ...] | None, str | None]:
    """Remove what the experiment imported. Returns the records that the host's cache holds then,
    None where that was not asked or is not known, and what stays that should not, in a sentence.
    Raises `HostError`."""
    removes = bool(dates) and not host.facts.store.startswith("containerd")
    ask = before is not None and (removes or not host.cancel.is_set())
    after = _listed(host) if ask else None
    if not removes:
        return after, None
    name = host.host.name
    if before is None or after is None:
        return None, f"{name}: what was imported stays in the cache: {NOT_LISTED}; {MAY_MISS}"
    records = imported_records(before, after, dates)
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
