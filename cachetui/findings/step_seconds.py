"""Seconds of steps: at work in all, and at work at once."""

from __future__ import annotations

from collections.abc import Iterable

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


def overlap_seconds(one: Step, two: Step) -> float:
    """Seconds in which both were at work; 0 where their times are not known."""
    if one.started is None or one.finished is None or two.started is None or two.finished is None:
        return 0.0
    return max(0.0, min(one.finished, two.finished) - max(one.started, two.started))
