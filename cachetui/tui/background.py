"""Work in daemon threads whose results are handed back to the app's thread.

Threads of our own, not Textual's workers: those share six threads on a machine of two cores.
A thread must not ask a widget for its app: once the widget is gone it has none. So the app is
looked up before the thread starts, and every call goes through it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

_T = TypeVar("_T")


class AppThread(Protocol):
    """The app, as far as threads may use it."""

    def call_later(self, callback: Callable[..., object], *arguments: object) -> bool: ...


def call_soon(app: AppThread, callback: Callable[..., object], *arguments: object) -> bool:
    """Have the app's thread call `callback` soon; from any thread.

    Returns False when the app has ended: the callback is then never called.
    """
    try:
        return app.call_later(callback, *arguments)
    except RuntimeError:  # the event loop was closed while the call was on its way
        return False


def run_in_background(
    app: AppThread,
    name: str,
    work: Callable[[], _T],
    done: Callable[[_T], object],
    failed: Callable[[Exception], object],
) -> None:
    """Do `work` in a daemon thread called `name`; returns at once.

    The app's thread then calls `done` with the result, or `failed` with what was raised, and
    neither of them when the app has ended meanwhile.
    """

    def body() -> None:
        try:
            result = work()
        except Exception as error:
            call_soon(app, failed, error)
        else:
            call_soon(app, done, result)

    threading.Thread(target=body, daemon=True, name=name).start()
