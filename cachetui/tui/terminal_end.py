"""The end of the app when its terminal is closed or a signal asks for it.

A thread of its own sees to it: Textual's thread may wait for a terminal that takes no more.
"""

from __future__ import annotations

import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from textual.drivers.linux_driver import LinuxDriver

from cachetui.exit_codes import INTERRUPTED
from cachetui.tui.background import call_soon
from cachetui.tui.terminal_gone import end_process_in, files_of, is_gone

END_WITHIN = 4.0
"""Seconds after which the process ends, whatever still waits."""
_TAKES_NOTHING_AFTER = 0.5
"""Seconds of a full terminal after which nothing more is written to it, once the app is to end."""

_ending = threading.Event()
_gone = threading.Event()


class Driver(LinuxDriver):
    """Textual's driver, which does not wait for ever for a terminal that takes no more."""

    def write(self, data: str) -> None:
        """Queue text for the terminal, unless that is gone."""
        thread = self._writer_thread
        if thread is None:
            return
        since: float | None = None
        while not _gone.is_set():
            try:
                thread._queue.put(data, timeout=0.1)
                return
            except queue.Full:
                if not thread.is_alive():
                    _gone.set()
                if _ending.is_set():
                    since = since or time.monotonic()
                    if time.monotonic() - since > _TAKES_NOTHING_AFTER:
                        _gone.set()

    def close(self) -> None:
        """Write what is queued, unless the terminal takes nothing."""
        thread = self._writer_thread
        if thread is None:
            return
        with suppress(queue.Full):
            thread._queue.put(None, timeout=_TAKES_NOTHING_AFTER)
        thread.join(_TAKES_NOTHING_AFTER if _ending.is_set() else None)


class EndingApp(Protocol):
    """The app, as far as its end needs it."""

    def call_later(self, callback: Callable[..., object], *arguments: object) -> bool: ...
    def leave_now(self) -> None: ...
    def stop_and_keep(self) -> None: ...


@contextmanager
def ending(app: EndingApp) -> Iterator[threading.Event]:
    """While the body runs, SIGHUP, SIGTERM and a closed terminal end the app in an orderly way, and
    the process in any case within `END_WITHIN` seconds. The event is set when that has begun."""
    _ending.clear()
    _gone.clear()

    def take(_number: int, _frame: FrameType | None) -> None:
        _ending.set()

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        with suppress(ValueError):  # not the main thread
            before[number] = signal.signal(number, take)
    over = threading.Event()
    threading.Thread(target=_watch, args=(app, over), daemon=True, name="terminal").start()
    try:
        yield _ending
    finally:
        over.set()
        if not _ending.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def _watch(app: EndingApp, over: threading.Event) -> None:
    """Wait for the end of the app, in this thread."""
    files = files_of(sys.__stdin__, sys.__stderr__)  # what Textual reads from and writes to
    while not _ending.wait(0.2):
        if over.is_set():
            return
        if is_gone(files):
            _gone.set()
            _ending.set()
    end_process_in(END_WITHIN, INTERRUPTED)
    keep_by = time.monotonic() + END_WITHIN - 0.5
    with suppress(Exception):
        app.stop_and_keep()
    call_soon(app, app.leave_now)
    while time.monotonic() < keep_by:
        if is_gone(files):
            _gone.set()
        time.sleep(0.1)
    with suppress(Exception):
        app.stop_and_keep()
