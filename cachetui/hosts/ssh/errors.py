"""What goes wrong below the name of a host; `Connector` makes a `HostError` of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cachetui.hosts.machine import Cancel, HostError, HostErrorKind


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

    def restarted(self) -> Deadline:
        """The same deadline, beginning now."""
        return Deadline.after(self.seconds, self.cancel)

    def left(self) -> float:
        """Seconds left, 0 when it is over. Raises ConnectError when it was called off."""
        if self.cancel is not None and self.cancel.is_set():
            raise ConnectError("cancelled", "connecting was cancelled")
        return max(0.0, self.deadline - time.monotonic())


def printable(data: bytes, limit: int = 60) -> str:
    """The first line of what a stranger sent, fit to be shown."""
    text = data.decode("ascii", "replace").strip().split("\n", 1)[0]
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:limit]
