"""What a database did not take is kept on this machine until it is copied there.

It is a store of its own, in a folder, which `cachetui store copy` brings in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cachetui.store.place import DatabaseAddress
from cachetui.store.table import Table
from cachetui.store.troubles import StoreError

if TYPE_CHECKING:
    from cachetui.store.folder_backing import FolderBacking


class Aside:
    """Takes what is kept within `keeping`. Any thread may call any method."""

    def __init__(self, folder: Path, address: DatabaseAddress, warnings: list[str]) -> None:
        self.folder = folder
        self._address = address
        self._warnings = warnings
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._backing: FolderBacking | None = None
        self._open = ExitStack()
        if folder.exists():
            warnings.append(f"results that the store has not are in {folder}; {self._remedy}")

    @property
    def _remedy(self) -> str:
        return f"cachetui store copy {self.folder} {self._address} brings them in"

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """What is put within the block may go aside. Raises `StoreError` at its end if some did."""
        self._of_thread.trouble, self._of_thread.active = None, True
        try:
            yield
        finally:
            self._of_thread.active = False
        trouble: StoreError | None = self._of_thread.trouble
        if trouble is not None:
            raise StoreError(f"{trouble}. Results are kept in {self.folder}; {self._remedy}")

    def takes(self, part: str, put: Callable[[Table], None], trouble: StoreError) -> bool:
        """Put something aside because of a trouble; False where that is not allowed now. Raises
        `StoreError` where this machine cannot keep it either."""
        if not getattr(self._of_thread, "active", False):
            return False
        put(getattr(self._opened(), part))
        self._of_thread.trouble = self._of_thread.trouble or trouble
        return True

    def close(self) -> None:
        self._open.close()

    def _opened(self) -> FolderBacking:
        from cachetui.store.folder_backing import FolderBacking

        with self._lock:
            if self._backing is None:
                backing = FolderBacking(self.folder, self._warnings)
                self._open.callback(backing.close)
                self._open.enter_context(backing.in_use.working())  # nobody removes it meanwhile
                self._backing = backing
            return self._backing
