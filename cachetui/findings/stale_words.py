"""What an imported step left otherwise than the same step made anew, in words. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cachetui.records.stale import PackageChange, StaleStep

SLACK_SECONDS = 86400.0
"""How far ahead of ours another's clock may be before that is said."""

MOST = 3
"""Packages that are named of a step."""


def what_differs(step: StaleStep) -> str:
    """ "3 packages differ, openssl 3.0.14 → 3.0.15, …"; without packages how many files do."""
    unread = f"; {', '.join(step.unread)} could not be read" if step.unread else ""
    if step.packages:
        return f"{_count(len(step.packages), 'package')}, {_named(step.packages)}{unread}"
    such_as = f", such as {step.paths[0]}" if step.paths else ""
    return f"{_count(step.files, 'file')}{such_as}{unread}"


def day(at: float, now: float) -> str:
    """The UTC day of seconds since the epoch, as the engine has it that made a result. Its clock
    may be wrong, which shows where the day was still to come at `now`."""
    told = time.strftime("%Y-%m-%d", time.gmtime(at))
    return f"{told} by a clock that was ahead" if at > now + SLACK_SECONDS else told


def _count(number: int, thing: str) -> str:
    return f"1 {thing} differs" if number == 1 else f"{number} {thing}s differ"


def _named(packages: Sequence[PackageChange]) -> str:
    """The first packages with their versions, imported and anew."""
    parts = [f"{one.name} {one.imported or 'none'} → {one.anew or 'none'}" for one in packages]
    more = len(parts) - MOST
    return ", ".join(parts[:MOST]) + (f" and {more} more" if more > 0 else "")
