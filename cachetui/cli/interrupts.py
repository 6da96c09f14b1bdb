"""Ctrl-C, a hang-up or TERM while hosts work: the remote builds end, and results are kept."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from cachetui.exit_codes import INTERRUPTED
from cachetui.tui.terminal_gone import end_process_in, is_gone

END_WITHIN = 4.0
"""Seconds that the process takes at most to end once nobody waits for it. Five are promised, and a
loaded machine is late."""

_T = TypeVar("_T")

_CLEAN_UP = 1.0
"""Of these, the seconds for what is to be removed on this machine."""


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
def stopping(
    stop_work: Callable[[], None], keep: Callable[[], object] = lambda: None
) -> Iterator[threading.Event]:
    """On the first signal, or when the terminal is closed, call `stop_work` and set the event; on
    the second Ctrl-C exit with `INTERRUPTED`.

    Whoever sends SIGTERM or SIGHUP, or closes the terminal, does not wait: after `END_WITHIN`
    seconds the process ends, and `keep` is called before. A SIGHUP that is ignored (nohup) stays
    ignored.
    """
    interrupted = threading.Event()
    over = threading.Event()
    nobody_waits = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        again = interrupted.is_set() and number == signal.SIGINT
        if again or number != signal.SIGINT:
            nobody_waits.set()
        if again:
            raise KeyboardInterrupt
        begin("\ncachetui: stopping the remote builds (once more: leave at once)\n")

    def begin(words: str = "") -> None:
        if not interrupted.is_set():
            interrupted.set()
            stop_work()
            with suppress(OSError, RuntimeError):  # a closed terminal; a write under way
                sys.stderr.write(words)

    def watch() -> None:
        while not nobody_waits.wait(0.2):
            if over.is_set():
                return
            if terminal_closed():
                nobody_waits.set()
                begin()
        end_process_in(END_WITHIN, INTERRUPTED)
        time.sleep(END_WITHIN - _CLEAN_UP)
        with suppress(Exception):
            keep()
        signal.raise_signal(signal.SIGINT)  # the main thread leaves, and cleans up here

    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    before = [signal.signal(number, stop) for number in signals]
    threading.Thread(target=watch, name="cachetui-terminal", daemon=True).start()
    try:
        yield interrupted
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except OSError:
        if not terminal_closed():
            raise
        raise SystemExit(INTERRUPTED) from None
    finally:
        over.set()
        for number, handler in zip(signals, before, strict=True):
            if not nobody_waits.is_set():
                signal.signal(number, handler)


def terminal_closed() -> bool:
    """Whether the terminal that results or progress go to was closed."""
    return is_gone(_terminals())


def _terminals() -> list[int]:
    """The files that results and progress go to."""
    files = []
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            files.append(stream.fileno())  # type: ignore[union-attr]
    return files
