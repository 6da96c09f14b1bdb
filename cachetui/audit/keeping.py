"""What an audit does when this machine cannot keep its results: its disk is full, say.

Results that were obtained stay in memory and are shown. Builds under way end; no other begins: it
would load hosts for what nobody can look at later, and what it makes there could not be noted for
removal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetui.store.troubles import StoreError

NOT_KEPT = "this machine cannot keep results"
AGAIN = "then run again: what was kept is not built again"


class Keeping:
    """Whether results can be kept. Any thread may call any method; `tell` gets the trouble once,
    as a sentence with its remedy, and None when there is none any more."""

    def __init__(self, tell: Callable[[str | None], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why results cannot be kept, and what helps; None while they can."""
        return self._trouble

    def begin(self) -> None:
        """The audit begins, or some of it begins again."""
        with self._lock:
            self._trouble = None
        self._tell(None)

    def failed(self, error: StoreError) -> None:
        """Something could not be kept."""
        with self._lock:
            if self._trouble is not None:
                return
            self._trouble = f"{error}; {AGAIN}"
        self._tell(self._trouble)

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Go on behind the block when something in it cannot be kept."""
        try:
            yield
        except StoreError as error:
            self.failed(error)
