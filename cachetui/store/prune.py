"""Keep a store within its limits: what is oldest goes first, logs before records.

Never removed: audits that are pinned or that somebody looks at, what they share with others, and
the audit that has just run. While an audit or an experiment is under way nothing is removed: it may
take a stored run of any other.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from cachetui.config.settings import StoreLimits
from cachetui.records.base import Record
from cachetui.records.from_json import from_json
from cachetui.records.run import Run
from cachetui.store.database import RUN_PARTS, Store
from cachetui.store.sizes import Row, room_of

_LOGS = ("log", "raw")
_AGAIN = "followed:"
"""Blobs that can be worked out again from others."""

_COPIES = "layers"
"""The folder of layers that were copied here for their files to be opened: they can be read again
as long as the images are there."""

_ROUNDS = 20
"""How often what is left is measured and more removed, at most."""


class Pruned(Record, frozen=True, kw_only=True):
    """What was removed, or would be: the logs of some runs of some audits, whole audits, and what
    no audit needs. Bytes as they were stored. `over`: the store's bytes where they are still more
    than the limit; `pinned` audits are among what stays then."""

    log_runs: int = 0
    log_audits: int = 0
    log_bytes: int = 0
    audits: int = 0
    audit_bytes: int = 0
    other_bytes: int = 0
    over: int | None = None
    pinned: int = 0


class _Layer(Record, frozen=True):
    digest: str


class _Image(Record, frozen=True):
    """What is kept of a run's image, as far as it names what else is kept."""

    id: str
    layers: tuple[_Layer, ...] = ()


@dataclass(eq=False)
class _Group:
    """An audit, or a run that belongs to none, with the runs that go when it goes."""

    audit: str | None
    at: float
    runs: list[str] = field(default_factory=list)


@dataclass
class _Plan:
    logs: list[_Group] = field(default_factory=list)
    whole: list[_Group] = field(default_factory=list)
    again: bool = False
    copies: bool = False

    def __bool__(self) -> bool:
        return bool(self.logs or self.whole or self.again or self.copies)


@dataclass
class _Holding:
    """What a store holds that may go: `groups`, oldest first; bytes of what can be worked out
    `again`, and of `copies` of layers. `pinned` counts audits. Tables take `overhead` bytes for
    each byte of a value in them: keys and indexes take more."""

    rows: dict[str, Row]
    groups: list[_Group]
    copies: int
    pinned: int
    overhead: float

    @cached_property
    def again(self) -> int:
        return sum(row.bytes for key, row in self.rows.items() if key.startswith(_AGAIN))

    def with_log(self, group: _Group) -> list[str]:
        """The runs of a group that have a log or raw output."""
        return [run for run in group.runs if any(f"{part}:{run}" in self.rows for part in _LOGS)]

    def room_of(self, group: _Group, parts: Collection[str]) -> float:
        """The room that is won when these go, about, and rather more: what is left is measured."""
        rows = self._rows_of(group, parts)
        return sum(row.bytes + row.in_table * (self.overhead - 1) for row in rows)

    def bytes_of(self, group: _Group, parts: Collection[str]) -> int:
        """What these take, without the room of their keys."""
        return sum(row.bytes for row in self._rows_of(group, parts))

    def _rows_of(self, group: _Group, parts: Collection[str]) -> list[Row]:
        keys = [f"{part}:{run}" for run in group.runs for part in parts]
        if group.audit is not None and "run" in parts:
            keys += [f"doc:{group.audit}", f"entry:{group.audit}"]
            keys += [f"contents:{run}" for run in group.runs]
        return [self.rows[key] for key in keys if key in self.rows]


def prune(
    store: Store, limits: StoreLimits, *, spare: Collection[str] = (), dry_run: bool = False
) -> Pruned | None:
    """Remove what is beyond the limits, but for the audits in `spare`; None where an audit or an
    experiment is under way. Raises `StoreError`.

    With `dry_run` nothing is removed, and the result is what would be.
    """
    with store.in_use.nobody_working() as alone:
        if not alone:
            return None
        done = Pruned()
        _compact(store)
        for _ in range(1 if dry_run else _ROUNDS):
            holding = _holding(store, spare)
            plan = _plan(store, holding, limits)
            if not plan:
                break
            done = _added(done, holding, plan)
            if not dry_run:
                _remove(store, holding, plan, limits)
        total = store.room()
        if not dry_run and limits.max_size is not None and total > limits.max_size:
            done = msgspec.structs.replace(done, over=total, pinned=holding.pinned)
        return done


def _holding(store: Store, spare: Collection[str]) -> _Holding:
    entries = store.audits()
    owner: dict[str, str] = {}  # a run → the newest audit that names it
    staying: set[str] = set()
    groups: dict[str, _Group] = {}
    runs_of = {kept.document.audit: kept.runs for kept in store.all_kept()}
    for entry in reversed(entries):
        runs = [run for run, _ in runs_of.get(entry.audit, ())]
        owner.update(dict.fromkeys(runs, entry.audit))
        if entry.pinned or entry.audit in spare or store.in_use.used(entry.audit):
            staying.update(runs)
        else:
            groups[entry.audit] = _Group(entry.audit, entry.started_at)
    for run, audit in owner.items():
        if audit in groups and run not in staying:
            groups[audit].runs.append(run)
    rows = store.rows()
    lone = [key[4:] for key in rows if key.startswith("run:") and key[4:] not in owner]
    found = [*groups.values(), *_lone_groups(store, lone)]
    return _Holding(
        rows,
        sorted(found, key=lambda group: group.at),
        copies=room_of(store.folder / _COPIES),
        pinned=sum(entry.pinned for entry in entries),
        overhead=store.overhead(rows),
    )


def _lone_groups(store: Store, runs: Iterable[str]) -> Iterator[_Group]:
    """Runs of audits that were killed before they were kept."""
    for run_id in runs:
        run: Run | None = store.run(run_id)
        if run is not None:
            yield _Group(None, run.started_at, [run_id])


def _plan(store: Store, holding: _Holding, limits: StoreLimits) -> _Plan:
    plan = _Plan()
    groups = list(holding.groups)
    if limits.max_age is not None:
        oldest = time.time() - limits.max_age
        plan.whole = [group for group in groups if group.at < oldest]
        groups = [group for group in groups if group.at >= oldest]
    if limits.max_size is None:
        return plan
    need = float(store.room() - limits.max_size)
    need -= sum(holding.room_of(group, RUN_PARTS) for group in plan.whole)
    if need > 0 and holding.again:
        plan.again = True
        need -= holding.again
    for group in groups:
        if need > 0 and (logs := holding.room_of(group, _LOGS)):
            plan.logs.append(group)
            need -= logs
    if need > 0 and holding.copies:
        plan.copies = True
        need -= holding.copies
    for group in groups:
        if need > 0:
            plan.whole.append(group)
            need -= holding.room_of(group, RUN_PARTS) - holding.room_of(group, _LOGS)
    whole = set(plan.whole)
    plan.logs = [group for group in plan.logs if group not in whole]
    return plan


def _added(done: Pruned, holding: _Holding, plan: _Plan) -> Pruned:
    others = (holding.again if plan.again else 0) + (holding.copies if plan.copies else 0)
    return msgspec.structs.replace(
        done,
        log_runs=done.log_runs + sum(len(holding.with_log(group)) for group in plan.logs),
        log_audits=done.log_audits + sum(group.audit is not None for group in plan.logs),
        log_bytes=done.log_bytes + sum(holding.bytes_of(group, _LOGS) for group in plan.logs),
        audits=done.audits + sum(group.audit is not None for group in plan.whole),
        audit_bytes=done.audit_bytes + sum(holding.bytes_of(g, RUN_PARTS) for g in plan.whole),
        other_bytes=done.other_bytes + others,
    )


def _remove(store: Store, holding: _Holding, plan: _Plan, limits: StoreLimits) -> None:
    if plan.again:
        store.caches[-1].remove(key for key in holding.rows if key.startswith(_AGAIN))
    why = f"the log was removed on {time.strftime('%Y-%m-%d')} to keep the store {limits.text}"
    for group in plan.logs:
        store.remove_logs(holding.with_log(group), why)
    if plan.copies:
        shutil.rmtree(store.folder / _COPIES, ignore_errors=True)
    for group in plan.whole:
        store.remove_audits([group.audit] if group.audit is not None else [], group.runs)
    if plan.whole:
        _remove_unnamed(store)
    for folder in store.abandoned():
        shutil.rmtree(folder, ignore_errors=True)
    _compact(store)


def _compact(store: Store) -> None:
    for cache in store.caches:
        cache.compact()


def _remove_unnamed(store: Store) -> None:
    """Remove what belonged to runs and audits that are gone: contexts, layers of images, and the
    keys under which runs are found."""
    contexts: set[str] = set()
    unknown = {entry.audit for entry in store.audits()}
    for kept in store.all_kept():
        unknown.discard(kept.document.audit)
        contexts.add(kept.document.build.context_digest)
        for host in kept.document.hosts:
            checkout = host.evidence.checkout if host.evidence else None
            if checkout is not None and checkout.digest is not None:
                contexts.add(checkout.digest)
    if unknown:
        return  # what these name is not known
    runs, _, blobs = store.caches
    there = set(runs.keys("run:"))
    runs.remove(
        [key for key in runs.keys("manifest:") if key.removeprefix("manifest:") not in contexts]
        + [key for key in runs.keys("of:") if f"run:{runs.text(key)}" not in there]
    )
    named = set(_named_by_images(store))
    blobs.remove(
        key
        for kind in ("layer", "layer-meta", "image")
        for key in blobs.keys(f"{kind}:")
        if key.split(":", 2)[-1] not in named
    )


def _named_by_images(store: Store) -> Iterator[str]:
    """The images, and the digests of the layers, that runs made."""
    for key in store.caches[-1].keys("contents:"):
        data = store.blob(key)
        if data is not None:
            with data, suppress(msgspec.MsgspecError):
                image = from_json(data.read(), _Image)
                yield image.id
                yield from (layer.digest for layer in image.layers)
