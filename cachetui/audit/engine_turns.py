"""Who builds on an engine: one audit or experiment at a time, of whoever, under whatever name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.host import HostFacts

_POLL = 0.2
_lock = threading.Lock()
_turns: dict[str, tuple[threading.Lock, list[str]]] = {}  # by engine, with whose turn it is

NO_LEASE = (
    "no lease could be made in /tmp on the host: other audits of this engine were not kept away"
)


@contextmanager
def turn(
    machine: Machine,
    facts: HostFacts,
    what: str,
    cancel: Cancel,
    on_wait: Callable[[str | None], None],
) -> Iterator[Callable[[], bool]]:
    """The turn of a host, once all others of this process that are the same engine have had theirs,
    and under a lease on the host from its next command on. Raises `HostError` after `cancel`.

    `on_wait` is told who is waited for, None when that is over. At the end of the block the lease
    is given back; what is yielded does so before, and says whether there was one.
    """
    if not facts.same_engine:
        yield lambda: True
        return

    def wait(holder: Holder | None) -> None:
        if holder is None:
            on_wait(None)
        else:
            since = time.strftime("%H:%M", time.localtime(time.time() - holder.seconds))
            on_wait(f"{holder.owner} is at work on this engine since {since}")

    with _one_at_a_time(machine.name, facts.same_engine, what, cancel, on_wait):
        machine.hold(Lease(facts.same_engine, what), wait, cancel)
        try:
            yield machine.release
        finally:
            with suppress(HostError):
                machine.release()


@contextmanager
def _one_at_a_time(
    host: str, engine: str, what: str, cancel: Cancel, on_wait: Callable[[str | None], None]
) -> Iterator[None]:
    with _lock:
        lock, holder = _turns.setdefault(engine, (threading.Lock(), []))
    told = False
    while not lock.acquire(timeout=_POLL):
        if cancel.is_set():
            raise HostError(host, "cancelled", "stopped")
        if not told and holder:
            on_wait(f"{holder[0]} is at work on this engine")
            told = True
    try:
        holder[:] = [f"{what} on {host}"]
        if told:
            on_wait(None)
        yield
    finally:
        holder.clear()
        lock.release()
