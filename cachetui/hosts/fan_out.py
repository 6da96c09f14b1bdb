"""The same work on many items at once; one that fails stops no other."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from cachetui.hosts.daemon_threads import DaemonThreads
from cachetui.hosts.machine import Cancel

Item = TypeVar("Item")
Value = TypeVar("Value")

HANDLES_EACH = 8
"""File handles that work on one host may take: a connection, a log, and those of the
store. It was five with 40 hosts on the recorded fleet; the rest is a margin."""

MOST_HANDLES = 65536
HANDLES_LEFT = 64
"""File handles that are left to everything else."""

POLL = 0.1
GRACE = 10.0
"""Seconds that work under way may take to end after `cancel`."""


class NotDone(Exception):
    """An item whose work was not begun, or did not end, when all was cancelled."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Value]):
    """How the work on one item went: `value`, or the `error` that it raised."""

    item: Item
    value: Value | None = None
    error: BaseException | None = None


def run_on_all(
    items: Iterable[Item],
    work: Callable[[Item], Value],
    limit: int | None = None,
    cancel: Cancel | None = None,
    on_done: Callable[[Outcome[Item, Value]], None] | None = None,
    executor: Executor | None = None,
) -> list[Outcome[Item, Value]]:
    """Do `work` on every item, at most `limit` at once; the outcomes in the items' order. Without
    a limit it is as many as this machine's file handles allow.

    It is done in threads of our own, which are daemons: none keeps the process alive. With an
    `executor` that one does it, as many at once as it likes; for one that works elsewhere, items
    and `work` have to be picklable. `on_done` is called as outcomes come, in the calling thread.
    After `cancel`, items not begun are `NotDone`, and so is, `GRACE` seconds later, work that does
    not end; an interrupt leaves at once.
    """
    waiting = list(items)
    stopped = threading.Event()

    def cancelled() -> bool:
        return stopped.is_set() or (cancel is not None and cancel.is_set())

    def unless_cancelled(item: Item) -> Value:
        if cancelled():
            raise NotDone("cancelled before it began")
        return work(item)

    results: SimpleQueue[tuple[int, Outcome[Item, Value]]] = SimpleQueue()
    begin = unless_cancelled if executor is None else work
    executor = executor or DaemonThreads(room() if limit is None else limit)
    done: dict[int, Outcome[Item, Value]] = {}
    grace = GRACE
    try:
        for number, item in enumerate(waiting):
            future = executor.submit(begin, item)
            future.add_done_callback(_handing_over(results, number, item))
        while len(done) < len(waiting) and grace > 0:
            try:
                number, outcome = results.get(timeout=POLL)
            except Empty:
                grace -= POLL if cancelled() else 0.0
                continue
            done[number] = outcome
            if on_done is not None:
                on_done(outcome)
    finally:
        stopped.set()
    return [
        done.get(number) or Outcome(item, error=NotDone("did not end when cancelled"))
        for number, item in enumerate(waiting)
    ]


def _handing_over(
    results: SimpleQueue[tuple[int, Outcome[Item, Value]]], number: int, item: Item
) -> Callable[[Future[Value]], None]:
    """What puts the outcome of an item among the results when its future is done."""

    def hand_over(future: Future[Value]) -> None:
        if future.cancelled():
            outcome: Outcome[Item, Value] = Outcome(item, error=NotDone("cancelled"))
        elif (error := future.exception()) is not None:
            outcome = Outcome(item, error=error)
        else:
            outcome = Outcome(item, future.result())
        results.put((number, outcome))

    return hand_over


def room() -> int:
    """How many hosts this process has file handles for, after raising its own limit as far as it
    may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or hard > soft):
        wanted = MOST_HANDLES if hard == resource.RLIM_INFINITY else min(hard, MOST_HANDLES)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
            soft = max(soft, wanted)
    handles = MOST_HANDLES if soft == resource.RLIM_INFINITY else soft
    return max(1, (handles - HANDLES_LEFT) // HANDLES_EACH)
