"""Timelines of runs as HTML: a row a step, its bar placed by CSS alone."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from cachetui.compare.timeline import Bar, Timeline, timeline
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import cells, units
from cachetui.report.clean import clean_line

CRITICAL = "◆"


def gantt(runs: Sequence[tuple[str, Run]], dockerfile: Dockerfile | None) -> Iterable[str]:
    """The timelines of (label, run), one below the other on one scale."""
    made = [(label, timeline(run, dockerfile)) for label, run in runs]
    scale = max((line.wall for _, line in made), default=0.0) or 1.0
    for label, line in made:
        yield f'<div class="run"><h3>{_t(label)}: {units.seconds(line.wall)}</h3>'
        for bar in line.bars:
            yield _row(bar, scale)
        yield f'<p class="note">{_t(summary(line))}</p>'
        for sentence in early_starts(line):
            yield f'<p class="note">{_t(sentence)}</p>'
        yield "</div>"


def summary(line: Timeline) -> str:
    """How much ran side by side, and what the critical path was at work for. Cleaned."""
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


def _row(bar: Bar, scale: float) -> str:
    step = bar.step
    text = clean_line(step.instruction)
    name = f"{CRITICAL if bar.critical else ' '} {step.line} {cells.shorten(text, 60)}"
    style = f"left:{bar.start / scale:.2%};width:{(bar.end - bar.start) / scale:.2%}"
    names = " ".join([*["critical"] * bar.critical, *["failed"] * (step.status == "failed")])
    waited = f", waited {units.seconds(bar.waited)}" if bar.waited >= 0.05 else ""
    title = f"{step.status}, {units.seconds(bar.start)} to {units.seconds(bar.end)}{waited}"
    return (
        f'<div class="bar" title="{_t(f"{text}: {title}")}"><span>{_t(name)}</span>'
        f'<span class="track"><i class="{names}" style="{style}"></i></span>'
        f"<span>{units.seconds(bar.end - bar.start)}</span></div>"
    )


def _t(text: str) -> str:
    return html.escape(text, quote=True)
