"""What goes wrong below the name of a host; `Connector` makes a `HostError` of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TypeVar

from cachetui.hosts.machine import Cancel, HostError, HostErrorKind

Result = TypeVar("Result")

STEP = 0.1
"""Seconds between two looks at whether something was called off."""


class ConnectError(Exception):
    """A reason and a remedy; `retry` says that another try can go better.

    Like `HostError`, no text of it holds a credential or an environment.
    """

    def __init__(
        self, kind: HostErrorKind, reason: str, remedy: str = "", *, retry: bool = False
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.remedy = remedy
        self.retry = retry

    def of(self, name: str) -> HostError:
        """The error of the host of that name."""
        return HostError(name, self.kind, self.reason, self.remedy)

    def copy(self, place: str = "") -> ConnectError:
        """The same error for another thread; `place` says where on the way to the host it is."""
        reason = f"{place}: {self.reason}" if place else self.reason
        return ConnectError(self.kind, reason, self.remedy, retry=self.retry)


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long something may take, and who may call it off."""

    seconds: float
    deadline: float
    cancel: Cancel | None = None

    @classmethod
    def after(cls, seconds: float, cancel: Cancel | None = None) -> Deadline:
        """A deadline that begins now."""
        return cls(seconds, time.monotonic() + seconds, cancel)

    def restarted(self, seconds: float | None = None) -> Deadline:
        """The same deadline, beginning now; with another length where one is given."""
        return Deadline.after(self.seconds if seconds is None else seconds, self.cancel)

    def left(self) -> float:
        """Seconds left, 0 when it is over. Raises ConnectError when it was called off."""
        if self.cancel is not None and self.cancel.is_set():
            raise ConnectError("cancelled", "connecting was cancelled")
        return max(0.0, self.deadline - time.monotonic())

    def give(
        self, work: Callable[[], Result], too_late: Callable[[Result], object] | None = None
    ) -> Result:
        """What `work` returns or raises, if it does so in time: for what knows no time limit.

        It is done in a thread of its own, which is left behind when the time is over (raises
        TimeoutError) or the deadline is called off (raises ConnectError). What it returns
        afterwards goes to `too_late`, to be closed.
        """
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, name="connect", daemon=True).start()
        try:
            while not wait((future,), min(STEP, self.left())).done:
                if not self.left():
                    raise TimeoutError
        except BaseException:
            if too_late is not None:
                future.add_done_callback(
                    lambda done: None if done.exception() else too_late(done.result())
                )
            raise
        return future.result()


def printable(data: bytes, limit: int = 60) -> str:
    """The first line of what a stranger sent, fit to be shown."""
    text = data.decode("ascii", "replace").strip().split("\n", 1)[0]
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:limit]
