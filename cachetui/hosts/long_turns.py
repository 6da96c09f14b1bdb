"""Longer turns for threads while very many are at work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 64
"""Threads above which turns are longer."""

TURN_SECONDS = 0.05

_lock = threading.Lock()
_before: list[float] = []
"""The turns that were there, once for each block under way."""


@contextmanager
def long_turns(threads: int) -> Iterator[None]:
    """While the block lasts, a thread that waits for Python's lock asks for it every 50 ms in place
    of 5 ms, if so many threads are `MANY`.

    Each of hundreds that wait would wake up 200 times a second, only to wait again. Who works for
    hosts gives the lock up far sooner by itself, at its next read or write.
    """
    if threads <= MANY:
        yield
        return
    with _lock:
        _before.append(_before[0] if _before else sys.getswitchinterval())
        sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:
                sys.setswitchinterval(before)
