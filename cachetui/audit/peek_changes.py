"""What is news between two looks at the same build on the same hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec.structs import replace

from cachetui.audit.peek_results import Peek, PeekResult, UnseenHost
from cachetui.records.backend import Backend
from cachetui.records.base import Record

Change = Literal["first", "cold", "warm", "moved", "cause", "undecided", "trouble", "back"]


class PeekChange(Record, frozen=True, kw_only=True):
    """News of a host, or of one builder of it where `backend` is given.

    `at` is when that look began, in seconds since 1970, `audit` its id. `change` is `first` for
    what the first look showed, `cold` where it missed and did not before, `warm` the other way
    round, `moved` where the first miss is another step, `cause` where it is the same for another
    reason, `undecided` where nothing missed and not all was seen, `trouble` where it could not be
    looked at (`reason`, `remedy`) and `back` where it can again. `result` is what was seen.
    """

    at: float
    audit: str
    change: Change
    host: str
    backend: Backend | None = None
    reason: str | None = None
    remedy: str | None = None
    result: PeekResult | None = None


def first_look(peek: Peek) -> tuple[PeekChange, ...]:
    """Everything that a look showed, as news."""
    seen = (_news(peek, "first", result) for result in peek.results)
    return (*seen, *(_unseen(peek, host) for host in peek.unseen))


def peek_changes(known: Peek, now: Peek) -> tuple[PeekChange, ...]:
    """What `now` tells that `known` did not, in the order of its results."""
    return (*_of_builders(known, now), *_of_hosts(known, now))


def last_known(known: Peek, now: Peek) -> Peek:
    """The newer look, with what was known of hosts that it could not see."""
    seen = {(result.host, result.backend) for result in now.results}
    unseen = {host.host for host in now.unseen}
    old = (
        result
        for result in known.results
        if result.host in unseen and (result.host, result.backend) not in seen
    )
    return replace(now, results=(*now.results, *old))


def _of_builders(known: Peek, now: Peek) -> Iterator[PeekChange]:
    before = {(result.host, result.backend): result for result in known.results}
    silent = {host.host for host in now.unseen}
    for result in now.results:
        if result.host in silent:
            continue
        old = before.get((result.host, result.backend))
        change = "first" if old is None else _change(old, result)
        if change is not None:
            yield _news(now, change, result)


def _of_hosts(known: Peek, now: Peek) -> Iterator[PeekChange]:
    before = {host.host: host for host in known.unseen}
    for host in now.unseen:
        if before.get(host.host) != host:
            yield _unseen(now, host)
    gone = {host.host for host in now.unseen}
    seen = {result.host for result in now.results}
    for name in before:
        if name in seen and name not in gone:
            yield PeekChange(at=now.started_at, audit=now.audit, change="back", host=name)


def _change(old: PeekResult, new: PeekResult) -> Change | None:
    if new.status != "ok":
        same = (old.status, old.reason) == (new.status, new.reason)
        return None if same else "trouble"
    state, before = _state(new), _state(old)
    if before is None:
        return "back"
    if state != before:
        return state
    if new.first_miss != old.first_miss:
        return "moved"
    return "cause" if new.cause != old.cause else None


def _state(result: PeekResult) -> Literal["cold", "warm", "undecided"] | None:
    """None for a builder that could not be looked at."""
    if result.status != "ok":
        return None
    if result.first_miss is not None:
        return "cold"
    return "undecided" if result.undecided else "warm"


def _news(peek: Peek, change: Change, result: PeekResult) -> PeekChange:
    return PeekChange(
        at=peek.started_at,
        audit=peek.audit,
        change=change,
        host=result.host,
        backend=result.backend,
        reason=result.reason,
        result=result,
    )


def _unseen(peek: Peek, host: UnseenHost) -> PeekChange:
    return PeekChange(
        at=peek.started_at,
        audit=peek.audit,
        change="trouble",
        host=host.host,
        reason=host.reason or host.status,
        remedy=host.remedy,
    )
