"""Runs of hosts that behave alike, shown as one. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import units


def typical(runs: Sequence[Run]) -> Run:
    """The first of these runs with the seconds of all: medians, of the run and of each step."""
    if len(runs) < 2:
        return runs[0]
    first = runs[0]
    steps = tuple(
        replace(step, seconds=statistics.median(seconds))
        if (seconds := seconds_of_step(runs, step.id))
        else step
        for step in first.steps
    )
    return replace(first, steps=steps, seconds=statistics.median(run.seconds for run in runs))


def seconds_of_step(runs: Iterable[Run], step: StepId) -> list[float]:
    """The seconds of a step in those of the runs that have them."""
    return _known(each.seconds for run in runs for each in run.steps if each.id == step)


def seconds_range(seconds: Sequence[float]) -> str:
    """ "1.2s", or "1.2s to 3.4s"; "" without any."""
    ends = [units.seconds(pick(seconds)) for pick in (min, max)] if seconds else []
    return " to ".join(dict.fromkeys(ends))


def totals(runs: Sequence[Run]) -> tuple[str, str]:
    """The hit ratio and the seconds of all these runs, as ranges where they are not the same."""
    ratios = [run.hit_ratio for run in runs]
    known = [ratio for ratio in ratios if ratio is not None]
    ends = [units.percent(pick(known)) for pick in (min, max)] if known else [units.percent(None)]
    return "–".join(dict.fromkeys(ends)), seconds_range([run.seconds for run in runs])


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
