"""The heartbeat of a watched command, as its client keeps it."""

from __future__ import annotations

import time

from cachetui.hosts import watcher


class Beats:
    """When the host of a watched command is to be told that we are there, and how long it had to
    do without, in seconds: also those that we were stopped, or our machine asleep."""

    def __init__(self) -> None:
        self._last = _awake_or_asleep()
        self._longest = 0.0

    @property
    def due(self) -> bool:
        return _awake_or_asleep() - self._last >= watcher.BEAT_SECONDS

    def sent(self) -> None:
        self._longest = self.longest
        self._last = _awake_or_asleep()

    @property
    def longest(self) -> float:
        return max(self._longest, _awake_or_asleep() - self._last)


def _awake_or_asleep() -> float:
    """Seconds of a clock that goes on while the machine sleeps; Linux's monotonic one stops."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
