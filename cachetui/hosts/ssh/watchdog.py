"""One thread that ends what takes too long, for all connections: a timer of its own for each
command would be a thread for each.

Every time limit here is the same, so that the first that began is the first to be over.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK = 1.0
"""Seconds between two looks, at most."""


class Watchdog:
    """Calls what was given to `watching` when its block takes longer than `seconds`. Thread-safe.

    Its thread is a daemon, and ends within a second after the last block.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._watched: dict[object, tuple[float, Callable[[], object]]] = {}
        self._at_work = False

    @contextmanager
    def watching(self, bite: Callable[[], object]) -> Iterator[None]:
        """Call `bite`, in another thread, unless the block ends in time."""
        key = object()
        with self._lock:
            self._watched[key] = (time.monotonic() + self._seconds, bite)
            if not self._at_work:
                self._at_work = True
                threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._watched.pop(key, None)

    def _watch(self) -> None:
        while True:
            late: list[Callable[[], object]] = []
            with self._lock:
                now = time.monotonic()
                while self._watched:
                    key, (deadline, bite) = next(iter(self._watched.items()))
                    if deadline > now:
                        break
                    del self._watched[key]
                    late.append(bite)
                if not self._watched and not late:
                    self._at_work = False
                    return
                first = next((deadline for deadline, _ in self._watched.values()), now)
            for bite in late:
                with contextlib.suppress(Exception):  # the next one is watched all the same
                    bite()
            time.sleep(max(0.0, min(_LOOK, first - time.monotonic())))
