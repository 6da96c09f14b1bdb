"""Who builds on an engine: one at a time, under whatever names it is reached."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetui.hosts.machine import Cancel, HostError

_POLL = 0.2
_lock = threading.Lock()
_turns: dict[str, tuple[threading.Lock, list[str]]] = {}  # by engine, with whose turn it is


@contextmanager
def turn(engine: str, host: str, cancel: Cancel, on_wait: Callable[[str], None]) -> Iterator[None]:
    """The turn of a host, once all others of this process that are the same engine have had theirs
    or wait. `on_wait` is told the host that is waited for. Raises `HostError` after `cancel`."""
    if not engine:
        yield
        return
    with _lock:
        lock, holder = _turns.setdefault(engine, (threading.Lock(), []))
    told = False
    while not lock.acquire(timeout=_POLL):
        if cancel.is_set():
            raise HostError(host, "cancelled", "stopped")
        if not told and holder:
            on_wait(holder[0])
            told = True
    try:
        holder[:] = [host]
        yield
    finally:
        holder.clear()
        lock.release()
