"""Whether a terminal was closed, also without a signal, and an end that is sure to come."""

from __future__ import annotations

import os
import select
import stat
import threading
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


def end_process_in(seconds: float, code: int) -> None:
    """End the process with `code` in so many seconds, whatever any of its threads waits for."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
