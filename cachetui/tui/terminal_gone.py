"""Whether a terminal was closed, also without a signal, and an end that is sure to come."""

from __future__ import annotations

import os
import select
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


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


def files_of(*streams: TextIO | None) -> list[int]:
    """The file descriptors of those streams that have one."""
    files = []
    for stream in streams:
        with suppress(OSError, ValueError, AttributeError):
            files.append(stream.fileno())  # type: ignore[union-attr]
    return files


def _is_device(file: int) -> bool:
    return stat.S_ISCHR(os.fstat(file).st_mode)


@contextmanager
def ended_with_terminal(files: Iterable[int], code: int) -> Iterator[None]:
    """While the body runs, which has nothing to stop or keep, the process ends with `code` as soon
    as the terminal is closed."""
    over, files = threading.Event(), tuple(files)

    def watch() -> None:
        while not over.wait(0.2):
            if is_gone(files):
                end_process_in(0.0, code)

    threading.Thread(target=watch, daemon=True, name="first frame").start()
    try:
        yield
    finally:
        over.set()


def end_process_in(seconds: float, code: int) -> None:
    """End the process with `code` in so many seconds, whatever any of its threads waits for."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
