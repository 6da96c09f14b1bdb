"""Ctrl-C, a hang-up or TERM while hosts work: the remote builds end, and results are kept."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")


def in_thread(work: Callable[[], _T]) -> _T:
    """The result of `work`, done in a thread so that this one can take signals. Raises what `work`
    raises."""
    result: list[_T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            result.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, name="cachetui-audit", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    if errors:
        raise errors[0]
    return result[0]


@contextmanager
def stopping(stop_work: Callable[[], None]) -> Iterator[threading.Event]:
    """On the first signal call `stop_work` and set the event; on the second raise
    KeyboardInterrupt."""
    interrupted = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        sys.stderr.write("\ncachetui: stopping the remote builds (again: leave at once)\n")
        stop_work()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield interrupted
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
