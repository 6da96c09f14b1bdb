"""Timelines of runs in words and figures: bars on one scale, the critical path, early starts.

All text is cleaned for display; none is escaped for a format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.timeline import Bar, Timeline, timeline
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import cells, units
from cachetui.report.clean import clean_line
from cachetui.report.pulled import pulled
from cachetui.report.signs import CRITICAL

_NAME_CELLS = 60


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A step's bar. `left` and `width` are shares (0 to 1) of the chart's scale."""

    name: str
    title: str
    seconds: str
    left: float
    width: float
    critical: bool
    failed: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A run's timeline: a bar a step, then notes."""

    title: str
    bars: tuple[ChartBar, ...]
    notes: tuple[str, ...]


def charts(runs: Sequence[tuple[str, Run]], dockerfile: Dockerfile | None) -> list[Chart]:
    """The timelines of (label, run), all on one scale."""
    timelines = [(label, timeline(run, dockerfile)) for label, run in runs]
    scale = max((line.wall for _, line in timelines), default=0.0) or 1.0
    return [
        Chart(
            title=f"{label}: {units.seconds(line.wall)}",
            bars=tuple(_chart_bar(bar, scale) for bar in line.bars),
            notes=(summary(line), *early_starts(line)),
        )
        for label, line in timelines
    ]


def _chart_bar(bar: Bar, scale: float) -> ChartBar:
    step = bar.step
    instruction = clean_line(step.instruction)
    sign = CRITICAL if bar.critical else " "
    waited = f", waited {units.seconds(bar.waited)}" if bar.waited >= 0.05 else ""
    pull = f", {pulled(step)}" if pulled(step) else ""
    when = f"{units.seconds(bar.start)} to {units.seconds(bar.end)}{waited}{pull}"
    return ChartBar(
        name=f"{sign} {step.line} {cells.shorten(instruction, _NAME_CELLS)}",
        title=f"{instruction}: {step.status}, {when}",
        seconds=units.seconds(bar.end - bar.start),
        left=bar.start / scale,
        width=(bar.end - bar.start) / scale,
        critical=bar.critical,
        failed=step.status == "failed",
    )


def summary(line: Timeline) -> str:
    """How much ran side by side, and how long the critical path was at work. Cleaned."""
    text = f"at most {units.count(line.lanes, 'step')} at once"
    if line.share is not None and line.critical:
        text += (
            f"; the critical path was at work for {units.seconds(line.critical_seconds)} "
            f"of {units.seconds(line.wall)} ({units.percent(line.share)})"
        )
    if line.untimed:
        text += f"; {units.count(len(line.untimed), 'step')} without times"
    return text


def early_starts(line: Timeline) -> list[str]:
    """Why steps could start before ones that the Dockerfile names earlier: a sentence for each
    stage that overtook another. Cleaned."""
    lines = {bar.step.id: bar.step.line for bar in line.bars}
    gathered: dict[tuple[int, int, str], tuple[StepId, StepId]] = {}
    for early in line.early:
        key = (early.step.stage_index, early.overtaken[0].stage_index, early.reason)
        gathered.setdefault(key, (early.step, early.overtaken[0]))
    return [
        f"line {lines[step]} started before line {lines[other]}: {clean_line(reason)}"
        for (_, _, reason), (step, other) in gathered.items()
    ]
