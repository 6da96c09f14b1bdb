"""When an audit stops before its end: too many hosts have failed, or its time is over."""

from __future__ import annotations

import math

import msgspec

from cachetui.records.host import HostReport
from cachetui.records.run import Run


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an audit; times in seconds, None for no limit.

    `max_failed` is how many hosts may fail, or with `percent` which share of them. `build_timeout`
    holds for each build on every host, `deadline` for the whole audit. `at_once` is how many hosts
    are worked on at once, None for as many as this machine's file handles allow.
    """

    max_failed: float | None = None
    percent: bool = False
    build_timeout: float | None = None
    deadline: float | None = None
    at_once: int | None = None

    def allowed(self, hosts: int) -> int | None:
        """How many of so many hosts may fail."""
        if self.max_failed is None:
            return None
        return math.floor(hosts * self.max_failed / 100 if self.percent else self.max_failed)

    @property
    def max_failed_text(self) -> str:
        """ "3", "10%"."""
        return f"{self.max_failed:g}{'%' if self.percent else ''}"


NO_LIMITS = Limits()


def failed(report: HostReport, runs: list[Run]) -> bool:
    """Whether a host counts as failed: it could not be asked to the end, or a build of it failed.
    What a host cannot build (`unsupported`) and what was stopped is no failure."""
    return report.status in ("unreachable", "failed") or any(
        run.status in ("failed", "lost") for run in runs
    )
