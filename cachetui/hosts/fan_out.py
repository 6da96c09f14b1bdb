"""The same work on many items at once; one that fails stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from cachetui.hosts.machine import Cancel

Item = TypeVar("Item")
Value = TypeVar("Value")

FAN_OUT = 64
"""Hosts that are worked on at once, unless a command says otherwise."""

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
    limit: int,
    cancel: Cancel | None = None,
    on_done: Callable[[Outcome[Item, Value]], None] | None = None,
) -> list[Outcome[Item, Value]]:
    """Do `work` on every item, at most `limit` at once; the outcomes in the items' order.

    Threads are daemons: none keeps the process alive. `on_done` is called as outcomes come, in
    the calling thread. After `cancel`, items not begun are `NotDone`, and so is, `GRACE` seconds
    later, work that does not end; an interrupt leaves at once.
    """
    todo: Sequence[Item] = list(items)
    waiting = iter(range(len(todo)))
    lock = threading.Lock()
    results: SimpleQueue[tuple[int, Outcome[Item, Value]]] = SimpleQueue()
    stopped = threading.Event()

    def cancelled() -> bool:
        return stopped.is_set() or (cancel is not None and cancel.is_set())

    def worker() -> None:
        while True:
            with lock:
                at = next(waiting, None)
            if at is None:
                return
            item = todo[at]
            if cancelled():
                results.put((at, Outcome(item, error=NotDone("cancelled before it began"))))
                continue
            try:
                results.put((at, Outcome(item, work(item))))
            except BaseException as error:
                results.put((at, Outcome(item, error=error)))

    for number in range(min(max(1, limit), len(todo))):
        threading.Thread(target=worker, name=f"fleet-{number}", daemon=True).start()
    done: dict[int, Outcome[Item, Value]] = {}
    grace = GRACE
    try:
        while len(done) < len(todo) and grace > 0:
            try:
                at, outcome = results.get(timeout=POLL)
            except Empty:
                grace -= POLL if cancelled() else 0.0
                continue
            done[at] = outcome
            if on_done is not None:
                on_done(outcome)
    finally:
        stopped.set()
    return [
        done.get(at) or Outcome(item, error=NotDone("did not end when cancelled"))
        for at, item in enumerate(todo)
    ]
