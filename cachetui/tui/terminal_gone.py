"""Whether a terminal was closed, also where no signal told of it."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Iterable


def is_gone(files: Iterable[int]) -> bool:
    """Whether one of these file descriptors is a terminal whose window or connection was closed.

    Reads nothing. A closed terminal answers every question with EIO, so `isatty` says no of it; but
    it is still a character device that hung up.
    """
    poller = select.poll()
    for file in files:
        poller.register(file, 0)  # POLLHUP and POLLERR are always told
    bad = select.POLLHUP | select.POLLERR
    return any(found & bad and _is_device(file) for file, found in poller.poll(0))


def _is_device(file: int) -> bool:
    return stat.S_ISCHR(os.fstat(file).st_mode)
