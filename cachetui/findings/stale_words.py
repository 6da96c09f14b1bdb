"""What an imported step left otherwise than the same step made anew, in words. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec.structs import replace

from cachetui.records.stale import PackageChange, StaleStep

SLACK_SECONDS = 86400.0
"""How far ahead of ours another's clock may be before that is said."""

MOST = 3
"""Packages that are named of a step."""

MOST_VERSIONS = 2
"""Versions that are named of a package that hosts have in several."""

NONE = "none"
"""In place of a version, where the package is not there."""


def what_differs(step: StaleStep) -> str:
    """ "3 packages differ, openssl 3.0.14 → 3.0.15, …"; without packages how many files do."""
    unread = f"; {', '.join(step.unread)} could not be read" if step.unread else ""
    if step.packages:
        return f"{_count(len(step.packages), 'package')}, {_named(step.packages)}{unread}"
    such_as = f", such as {step.paths[0]}" if step.paths else ""
    return f"{_count(step.files, 'file')}{such_as}{unread}"


def on_all(steps: Sequence[StaleStep]) -> StaleStep:
    """What is to be said of one step on several hosts: the packages that differ on any, with all
    versions that they have there, "3.0.14 or 3.0.15"; the most files; a date that all agree on."""
    packages = {(one.manager, one.name): one for step in steps for one in step.packages}
    dates = {step.made for step in steps if step.made is not None}
    most = max(steps, key=lambda step: step.files)
    return replace(
        most,
        packages=tuple(_versions(steps, packages[key]) for key in sorted(packages)),
        unread=tuple(dict.fromkeys(path for step in steps for path in step.unread)),
        made=dates.pop() if len(dates) == 1 else None,
    )


def _versions(steps: Sequence[StaleStep], package: PackageChange) -> PackageChange:
    """The package with its versions on all hosts where it differs."""
    key = (package.manager, package.name)
    found = [one for step in steps for one in step.packages if (one.manager, one.name) == key]
    return replace(
        package,
        imported=_or([one.imported for one in found]),
        anew=_or([one.anew for one in found]),
    )


def _or(versions: Sequence[str | None]) -> str:
    told = sorted({version or NONE for version in versions})
    others = len(told) - MOST_VERSIONS
    return " or ".join([*told[:MOST_VERSIONS], *([f"{others} more"] if others > 0 else [])])


def day(at: float, now: float) -> str:
    """The UTC day of seconds since the epoch, as the engine has it that made a result. Its clock
    may be wrong, which shows where the day was still to come at `now`."""
    told = time.strftime("%Y-%m-%d", time.gmtime(at))
    return f"{told} by a clock that was ahead" if at > now + SLACK_SECONDS else told


def _count(number: int, thing: str) -> str:
    return f"1 {thing} differs" if number == 1 else f"{number} {thing}s differ"


def _named(packages: Sequence[PackageChange]) -> str:
    """The first packages with their versions, imported and anew."""
    parts = [f"{one.name} {one.imported or NONE} → {one.anew or NONE}" for one in packages]
    more = len(parts) - MOST
    return ", ".join(parts[:MOST]) + (f" and {more} more" if more > 0 else "")
