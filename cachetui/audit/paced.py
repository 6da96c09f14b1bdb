"""Work that many ask for and that takes the longer the more there is: keeping an audit's record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REST = 9
"""How often the time that it took the work then rests: it takes a tenth of the time at most."""


class Paced:
    """Does `work` soon after it was asked for, in a thread of its own: at once the first time, then
    `REST` times as long after its last end as it took. Asked for meanwhile, it is done once more,
    however often. `work` raises nothing.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._asked = threading.Event()
        self._over = threading.Event()

    def ask(self) -> None:
        """Have it done. Returns at once."""
        self._asked.set()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Do what is asked for while the block lasts. What is asked for last may not have been done
        behind it, and nothing is under way then."""
        self._over.clear()
        thread = threading.Thread(target=self._go, name="paced", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._asked.set()
            thread.join()

    def _go(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._over.is_set():
                return
            begun = time.monotonic()
            self._work()
            self._over.wait(REST * (time.monotonic() - begun))
