"""A scenario on a host, or on hosts that behave alike, as a column: a cell a step, and totals.

All text is cleaned for display.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.align import Row
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.signs import ODD, RUN_STATES, STEP_STATES

OddCells = set[tuple[str, StepId | None, str]]
"""(scenario, step, host) of the odd ones out; the step is None for how a run ended."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A step in a column. `status` is a key of `signs.STEP_STATES`; `took` is what `seconds` says,
    0 where it says nothing."""

    status: str
    sign: str
    word: str
    seconds: str = ""
    odd: bool = False
    took: float = 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """A scenario on a host, or on hosts that behave alike; repeats are folded into it.

    `cells` has one entry a row of the view. `ratio`, `seconds`, `ending` and `stored` are its
    totals; `stored` is empty when it ran for this audit.
    """

    scenario: str
    label: str
    hosts: tuple[str, ...]
    cells: tuple[Cell, ...]
    ratio: str
    seconds: str
    ending: str
    stored: str


def stage_name(index: int, name: str | None) -> str:
    """A stage for people: its name, "stage 2" without one, or what stands before the first."""
    if index < 0:
        return "before the first FROM"
    return clean_line(name) if name else f"stage {index}"


def column(
    document: Document,
    rows: Sequence[Row],
    label: str,
    hosts: frozenset[str],
    runs: list[Run],
    odd: OddCells,
) -> Column:
    """The column of these runs, which are of one scenario."""
    tables = [{step.id: step for step in run.steps} for run in runs]
    scenario = runs[0].scenario
    cells = tuple(
        _cell(
            [step for table in tables if (step := table.get(row.id)) is not None],
            any((scenario, row.id, host) in odd for host in hosts),
        )
        for row in rows
    )
    ended = [run for run in runs if run.status in ("ok", "failed")]
    return Column(
        scenario=clean_line(scenario),
        label=label,
        hosts=tuple(dict.fromkeys(run.host for run in runs)),
        cells=cells,
        ratio=_ratio(ended),
        seconds=units.seconds(_median([run.seconds for run in ended])) if ended else "",
        ending=_ending(runs),
        stored=_stored(document, runs),
    )


def _cell(steps: list[Step], odd: bool) -> Cell:
    """The steps of a column's runs as one cell; seconds are their median."""
    if not steps:
        return _shown("absent", odd=odd)
    seconds = _median([step.seconds for step in steps if step.seconds is not None])
    if all(map(is_base, steps)):
        return _shown("base", seconds if seconds and seconds >= 0.05 else None)
    statuses = Counter(step.status for step in steps)
    if len(statuses) > 1:
        hits = statuses["hit"]
        return _shown("mixed", seconds, odd=odd, word=f"{hits}/{len(steps)} HIT" if hits else None)
    return _shown(steps[0].status, seconds, odd=odd)


def is_base(step: Step) -> bool:
    """Whether it is a FROM, or an ARG before it, of which hit and miss mean nothing."""
    neutral = step.keyword == "FROM" or step.stage_index < 0
    return neutral and step.status in ("hit", "miss")


def _shown(
    status: str, seconds: float | None = None, *, odd: bool = False, word: str | None = None
) -> Cell:
    state = STEP_STATES[status]
    return Cell(
        status=status,
        sign=ODD if odd else state.sign,
        word=state.short if word is None else word,
        seconds="" if seconds is None else units.seconds(seconds),
        odd=odd,
        took=seconds or 0.0,
    )


def _ratio(runs: list[Run]) -> str:
    """Hits over what can hit, of runs that all agree; else the range of the ratios."""
    counts = {
        (sum(step.counts and step.status == "hit" for step in run.steps), total)
        for run in runs
        if (total := sum(step.counts for step in run.steps))
    }
    if len(counts) == 1:
        hits, total = counts.pop()
        return f"{hits}/{total} {units.percent(hits / total)}"
    if counts:
        low, high = (pick(hits / total for hits, total in counts) for pick in (min, max))
        return f"{units.percent(low)} to {units.percent(high)}"
    return ""


def _ending(runs: list[Run]) -> str:
    """How the runs ended, the bad first: "ok", "FAILED", "1 LOST, 2 ok"."""
    endings = Counter(run.status for run in runs)
    if len(endings) == 1:
        state = RUN_STATES[runs[0].status]
        return state.short if runs[0].status != "unsupported" else f"{state.sign} {state.short}"
    worst_first = sorted(endings, key=lambda status: status == "ok")
    return ", ".join(f"{endings[status]} {RUN_STATES[status].short}" for status in worst_first)


def _stored(document: Document, runs: list[Run]) -> str:
    """How old, when the audit took them from the store: "3 h old", "3 h to 2 d old", "2/6
    stored"."""
    stored = [run for run in runs if run.stored]
    if not stored:
        return ""
    if len(stored) < len(runs):
        return f"{len(stored)}/{len(runs)} stored"
    ages = [document.started_at - run.started_at for run in stored]
    spans = dict.fromkeys(units.span(pick(ages)) for pick in (min, max))
    return f"{' to '.join(spans)} old"


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
