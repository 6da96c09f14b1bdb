"""What an import brought into a host's own cache, and how it is taken out again.

A COPY has no host name in its key, only what it copies. So one that copies from a RUN of an
experiment can have the key of the user's own, and an import brings another result for it. On a
graph driver the user's next build can then take that result, and miss the RUN on top of its own
(our lab, in engines that had built much else: 20.10 each time, 26.1 one time in three). It does
not once those records are gone. On the containerd image store it never did, and there nothing can
be removed: see `import_removal.CONTAINERD`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping

from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.evidence import seconds
from cachetui.records.shared_cache import SharedCache

LOCAL = "source.local"
"""The type of a record of files that the client sent."""


def blob_mark(digest: str) -> str:
    """What BuildKit calls a layer that it took from an import (our lab: 26.1 and 28.5)."""
    return f"imported {digest}"


def date_mark(at: float) -> str:
    """When a result was made (seconds since the epoch), to the millisecond: what comes from an
    image has the description and the date of the image's history (our lab: 26.1 and 28.5)."""
    return f"made {math.floor(at * 1000)} ms"


def cache_marks(caches: Iterable[SharedCache]) -> Iterator[str]:
    """The marks of all layers of these caches."""
    for layer in (layer for cache in caches for layer in cache.layers):
        yield blob_mark(layer.digest)
        if layer.created is not None:
            yield date_mark(layer.created)


def imported_records(
    before: Collection[str],
    after: Iterable[CacheRecord],
    marks: Collection[str],
    until: float = math.inf,
) -> tuple[str, ...]:
    """The ids of the records of `after` that came from a cache with these marks, and of what was
    made on them up to `until`, in seconds since the epoch by the engine's clock; a record comes
    after those that stand on it. `before` are the ids of those that the host had.

    Marks are the dates of the results in the exporter's cache as its docker prints them, or what
    `blob_mark` and `date_mark` give: so what another imports or builds meanwhile is not taken for
    ours. A result keeps its date through export and import (our lab: from 28.5 and 26.1, all kinds
    of export).
    """
    old, known = set(before), set(marks)
    new = {record.id: record for record in after if record.id not in old}
    found = {
        one.id for one in new.values() if one.type != LOCAL and not known.isdisjoint(_marks(one))
    }
    others = {one.id: one for one in new.values() if _made_until(one, until)}
    while added := {one for one in others if one not in found and found & set(new[one].parents)}:
        found |= added
    depths = {one: len(_below(new, one)) for one in new}
    return tuple(sorted((one for one in new if one in found), key=lambda one: -depths[one]))


def _marks(record: CacheRecord) -> Iterator[str | None]:
    yield from (record.created_at, record.description)
    made = seconds(record.created_at)
    if made is not None:
        yield date_mark(made)


def _made_until(record: CacheRecord, until: float) -> bool:
    """Whether it is known to have been made by then."""
    return math.isinf(until) or (seconds(record.created_at) or math.inf) <= until


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
