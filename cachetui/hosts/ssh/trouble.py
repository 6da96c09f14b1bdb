"""What goes wrong below the name of a host; `Connector` makes a `HostError` of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cachetui.hosts.machine import Cancel, HostError, HostTrouble


class Trouble(Exception):
    """A reason and a remedy; `again` says that another try can go better.

    Like `HostError`, no text of it holds a credential or an environment.
    """

    def __init__(
        self, trouble: HostTrouble, reason: str, remedy: str = "", *, again: bool = False
    ) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.reason = reason
        self.remedy = remedy
        self.again = again

    def of(self, name: str) -> HostError:
        """The error of the host of that name."""
        return HostError(name, self.trouble, self.reason, self.remedy)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take, and who may call it off."""

    seconds: float
    deadline: float
    cancel: Cancel | None = None

    @classmethod
    def of(cls, seconds: float, cancel: Cancel | None = None) -> Limit:
        """A limit that begins now."""
        return cls(seconds, time.monotonic() + seconds, cancel)

    def again(self) -> Limit:
        """The same limit, beginning now."""
        return Limit.of(self.seconds, self.cancel)

    def left(self) -> float:
        """Seconds left, 0 when it is over. Raises Trouble when it was called off."""
        if self.cancel is not None and self.cancel.is_set():
            raise Trouble("cancelled", "connecting was cancelled")
        return max(0.0, self.deadline - time.monotonic())


def printable(data: bytes, most: int = 60) -> str:
    """The first line of what a stranger sent, fit to be shown."""
    text = data.decode("ascii", "replace").strip().split("\n", 1)[0]
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:most]
