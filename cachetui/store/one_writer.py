"""A diskcache whose threads write in turn.

SQLite lets one connection write at a time, and each thread has its own. One that finds another
writing sleeps for up to a tenth of a second and looks again, in no order: of 500 threads some
looked in vain for a minute, which was the end of their time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diskcache

from cachetui.store.plain_disk import PlainDisk

_NEVER_CULL = 1 << 60
_PAGES = 512
"""Pages of 4 KiB that a connection keeps in memory beside what it maps of the file. With
diskcache's 8192, a process grows by up to 32 MiB for each of the store's files as these do."""


class OneWriter(diskcache.Cache):  # type: ignore[misc]
    """Its limit of time is for other processes only."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._writing = threading.RLock()  # a thread can begin a transaction in its own
        super().__init__(*arguments, **options)

    @contextmanager
    def _transact(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        """What the library's own methods and `transact` write in."""
        with self._writing, super()._transact(*arguments, **options) as transaction:
            yield transaction


def open_cache(folder: Path) -> OneWriter:
    """The store's cache in that folder, from which nothing is ever removed by itself."""
    return OneWriter(
        str(folder),
        disk=PlainDisk,
        eviction_policy="none",
        size_limit=_NEVER_CULL,
        cull_limit=0,
        sqlite_cache_size=_PAGES,
    )
