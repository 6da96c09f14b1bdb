"""Seconds of steps: at work in all, and at work at once; and of builds, which pays most."""

from __future__ import annotations

from collections.abc import Iterable

from cachetui.records.backend import Backend
from cachetui.records.step import Step


def seconds_of(steps: Iterable[Step]) -> float | None:
    """Seconds in which at least one of the steps was at work, None when none was timed.

    Steps that ran side by side count once; a step whose place in time is not known counts whole.
    """
    spans: list[tuple[float, float]] = []
    total, timed = 0.0, False
    for step in steps:
        if step.same_as is not None:
            continue
        if step.started is not None and step.finished is not None:
            spans.append((step.started, step.finished))
            timed = True
        elif step.seconds is not None:
            total += step.seconds
            timed = True
    until = float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return round(total, 3) if timed else None


def most_of_each_builder(
    costs: Iterable[tuple[tuple[Backend, ...], float | None]],
) -> dict[Backend, float]:
    """What the build pays that pays most, of each builder; `costs` are seconds of a build, None
    where nothing timed it, and its builder. Empty where only one builder's are known, or where a
    cost is not that of one builder."""
    most: dict[Backend, float] = {}
    for builders, seconds in costs:
        if seconds is None:
            continue
        if len(builders) != 1:
            return {}
        most[builders[0]] = max(seconds, most.get(builders[0], 0.0))
    return most if len(most) > 1 else {}


def least_of_each(costs: Iterable[tuple[tuple[Backend, ...], float | None]]) -> float | None:
    """What the build pays that pays least, of the same `costs`; None where none was timed."""
    return min((seconds for _, seconds in costs if seconds is not None), default=None)


def overlap_seconds(one: Step, two: Step) -> float:
    """Seconds in which both were at work; 0 where their times are not known."""
    if one.started is None or one.finished is None or two.started is None or two.finished is None:
        return 0.0
    return max(0.0, min(one.finished, two.finished) - max(one.started, two.started))
