"""What an imported step left otherwise than the same step made anew, in words. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cachetui.records.stale import PackageChange, StaleStep

MOST = 3
"""Packages that are named of a step."""


def what_differs(step: StaleStep) -> str:
    """ "3 packages differ, openssl 3.0.14 → 3.0.15, …"; without packages how many files do."""
    unread = f"; {', '.join(step.unread)} could not be read" if step.unread else ""
    if step.packages:
        return f"{_count(len(step.packages), 'package')}, {_named(step.packages)}{unread}"
    such_as = f", such as {step.paths[0]}" if step.paths else ""
    return f"{_count(step.files, 'file')}{such_as}{unread}"


def day(at: float) -> str:
    """The UTC day of seconds since the epoch."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _count(number: int, thing: str) -> str:
    return f"1 {thing} differs" if number == 1 else f"{number} {thing}s differ"


def _named(packages: Sequence[PackageChange]) -> str:
    """The first packages with their versions, imported and anew."""
    parts = [f"{one.name} {one.imported or 'none'} → {one.anew or 'none'}" for one in packages]
    more = len(parts) - MOST
    return ", ".join(parts[:MOST]) + (f" and {more} more" if more > 0 else "")
