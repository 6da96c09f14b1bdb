"""The same work on many items at once; one that fails stops no other."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

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
) -> list[Outcome[Item, Value]]:
    """Do `work` on every item, at most `limit` at once; the outcomes in the items' order. Without
    a limit it is as many as this machine's file handles allow.

    Threads are daemons: none keeps the process alive. `on_done` is called as outcomes come, in
    the calling thread. After `cancel`, items not begun are `NotDone`, and so is, `GRACE` seconds
    later, work that does not end; an interrupt leaves at once.
    """
    fan = _FanOut(list(items), work, cancel)
    fan.start(room() if limit is None else limit)
    done: dict[int, Outcome[Item, Value]] = {}
    grace = GRACE
    try:
        while len(done) < len(fan.items) and grace > 0:
            try:
                number, outcome = fan.results.get(timeout=POLL)
            except Empty:
                grace -= POLL if fan.cancelled() else 0.0
                continue
            done[number] = outcome
            if on_done is not None:
                on_done(outcome)
    finally:
        fan.stopped.set()
    return [
        done.get(number) or Outcome(item, error=NotDone("did not end when cancelled"))
        for number, item in enumerate(fan.items)
    ]


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


class _FanOut(Generic[Item, Value]):
    """The threads and what they share: each takes the next item until there is none."""

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item], Value], cancel: Cancel | None
    ) -> None:
        self.items = items
        self.results: SimpleQueue[tuple[int, Outcome[Item, Value]]] = SimpleQueue()
        self.stopped = threading.Event()
        self._work = work
        self._cancel = cancel
        self._waiting = iter(range(len(items)))
        self._lock = threading.Lock()

    def start(self, limit: int) -> None:
        """Start at most `limit` threads."""
        for number in range(min(max(1, limit), len(self.items))):
            threading.Thread(target=self._take, name=f"fleet-{number}", daemon=True).start()

    def cancelled(self) -> bool:
        return self.stopped.is_set() or (self._cancel is not None and self._cancel.is_set())

    def _take(self) -> None:
        while True:
            with self._lock:
                number = next(self._waiting, None)
            if number is None:
                return
            self.results.put((number, self._outcome(self.items[number])))

    def _outcome(self, item: Item) -> Outcome[Item, Value]:
        if self.cancelled():
            return Outcome(item, error=NotDone("cancelled before it began"))
        try:
            return Outcome(item, self._work(item))
        except BaseException as error:
            return Outcome(item, error=error)
