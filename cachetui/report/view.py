"""An audit laid out for reading, the same for the terminal, Markdown and HTML.

Decides what is said and in which words; the renderers decide how it is drawn. All its text is
cleaned for display (see `clean`); nothing in it is escaped for a format.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.align import Row, agree, align, by_scenario
from cachetui.compare.groups import groups
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.passages import Failure, LogTail, Passage, failures, passages, verdict

FOLD_ABOVE = 6
"""Hosts that behave alike share a column in an audit of more hosts than this."""

ODD_SIGN = "≠"
SIGNS = {"hit": "✓", "miss": "○", "failed": "✗", "mixed": "~", "unsupported": "!"}
WORDS = {
    "hit": "HIT",
    "miss": "MISS",
    "failed": "FAIL",
    "not-needed": "skip",
    "not-reached": "n/r",
    "unsupported": "n/a",
}
_MEANINGS = {
    "odd": f"{ODD_SIGN} = the odd one out",
    "mixed": "~ = not the same each time",
    "not-needed": "skip = its stage is not needed",
    "not-reached": "n/r = not reached or stopped, the build failed first",
    "unsupported": "n/a = this backend cannot build it",
    "from": "· = FROM, or an ARG before it: does not count",
    "absent": "– = no step of its own in this backend",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A step in a column. `status` is a step's, or "mixed" (runs of the column part ways), "from"
    (a FROM or an ARG before it, whose status says nothing) or "absent" (no step of its own)."""

    status: str
    sign: str
    word: str
    seconds: str = ""
    odd: bool = False


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


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A step. `stage` is its stage for people, empty where the Dockerfile has one stage only;
    `differs` names the scenarios in which hosts part ways here."""

    stage: str
    line: int
    instruction: str
    differs: frozenset[str]


@dataclass(frozen=True, slots=True)
class View:
    """An audit to be drawn: `scenarios` maps each scenario that ran to its columns, in order.

    `folded` says which hosts stand behind a column ("A (62)", "ci-[01-62]"). `differ` is
    whether hosts part ways, and `verdict` says where, headline first.
    """

    title: str
    facts: tuple[str, ...]
    rows: tuple[ViewRow, ...]
    scenarios: dict[str, tuple[Column, ...]]
    folded: tuple[tuple[str, str], ...]
    legend: tuple[str, ...]
    failures: tuple[Failure, ...]
    passages: tuple[Passage, ...]
    differ: bool
    verdict: tuple[str, ...]


def lay_out(document: Document, log_tail: LogTail) -> View:
    """The view of an audit, whole or partial."""
    rows = align(document.runs, by_scenario)
    agreement = agree(document)
    odd = {(one.scenario, one.step, name) for one in agreement.disagreements for name in one.odd}
    parted: dict[StepId, set[str]] = {}
    for one in agreement.disagreements:
        if one.step is not None:
            parted.setdefault(one.step, set()).add(one.scenario)
    labels, folded = _labels(document)
    scenarios: dict[str, tuple[Column, ...]] = {}
    for scenario in _scenarios(document):
        mine = [run for run in document.runs if run.scenario == scenario]
        if any(run.status != "unsupported" for run in mine):
            scenarios[scenario] = tuple(
                _column(document, rows, label, hosts, own, odd)
                for label, hosts in labels
                if (own := [run for run in mine if run.host in hosts])
            )
    build = document.build
    facts = (
        f"audit {clean_line(document.audit)}",
        clean_line(build.dockerfile)
        + (f", target {clean_line(build.target)}" if build.target else ""),
        f"context {units.size(build.context_bytes)} in {units.count(build.context_files, 'file')}",
        f"took {units.seconds(document.seconds)}",
    )
    columns = [column for block in scenarios.values() for column in block]
    used = {column.label for column in columns}
    folded = tuple(one for one in folded if one[0] in used)
    return View(
        title=clean_line(build.name),
        facts=facts,
        rows=_rows(rows, parted),
        scenarios=scenarios,
        folded=folded,
        legend=_legend(document, columns, bool(folded)),
        failures=failures(document, log_tail),
        passages=passages(document),
        differ=not agreement.agree,
        verdict=verdict(document, agreement),
    )


def _scenarios(document: Document) -> list[str]:
    """The plan's scenarios in its order, and any other that has runs."""
    return list(dict.fromkeys([*document.scenarios, *(run.scenario for run in document.runs)]))


def _labels(
    document: Document,
) -> tuple[list[tuple[str, frozenset[str]]], tuple[tuple[str, str], ...]]:
    """Columns as (label, hosts), and what the labels of folded ones stand for."""
    names = list(dict.fromkeys([h.name for h in document.hosts] + [r.host for r in document.runs]))
    if len(names) <= FOLD_ABOVE:
        return [(clean_line(name), frozenset([name])) for name in names], ()
    labels: list[tuple[str, frozenset[str]]] = []
    folded: list[tuple[str, str]] = []
    for group in groups(document):
        label = clean_line(group.name)
        if len(group.hosts) > 1:
            label = f"{_letter(len(folded))} ({len(group.hosts)})"
            folded.append((label, clean_line(group.name)))
        labels.append((label, frozenset(group.hosts)))
    return labels, tuple(folded)


def _letter(number: int) -> str:
    """A, B, … Z, A2, B2, …"""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26 + 1}"


def _rows(rows: Sequence[Row], parted: dict[StepId, set[str]]) -> tuple[ViewRow, ...]:
    many = len({row.id.stage_index for row in rows}) > 1
    return tuple(
        ViewRow(
            stage_name(row.id.stage_index, row.stage) if many else "",
            row.line,
            clean_line(row.instruction),
            frozenset(parted.get(row.id, ())),
        )
        for row in rows
    )


def stage_name(index: int, name: str | None) -> str:
    """A stage for people: its name, "stage 2" without one, or what stands before the first."""
    if index < 0:
        return "before the first FROM"
    return clean_line(name) if name else f"stage {index}"


def _column(
    document: Document,
    rows: Sequence[Row],
    label: str,
    hosts: frozenset[str],
    runs: list[Run],
    odd: set[tuple[str, StepId | None, str]],
) -> Column:
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
        seconds=units.seconds(_median([run.seconds for run in ended])),
        ending=_ending(runs),
        stored=_stored(document, runs),
    )


def _cell(steps: list[Step], odd: bool) -> Cell:
    """The steps of a column's runs as one cell; seconds are their median."""
    sign = ODD_SIGN if odd else ""
    if not steps:
        return Cell("absent", sign or "–", "", odd=odd)
    seconds = _median([step.seconds for step in steps if step.seconds is not None])
    shown = "" if seconds is None else units.seconds(seconds)
    neutral = steps[0].keyword == "FROM" or steps[0].stage_index < 0
    if neutral and {step.status for step in steps} <= {"hit", "miss"}:
        return Cell("from", "·", "", shown if seconds and seconds >= 0.05 else "")
    statuses = Counter(step.status for step in steps)
    if len(statuses) > 1:
        word = f"{statuses['hit']}/{len(steps)} HIT" if statuses["hit"] else "differ"
        return Cell("mixed", sign or SIGNS["mixed"], word, shown, odd)
    status = steps[0].status
    return Cell(status, sign or SIGNS.get(status, "-"), WORDS[status], shown, odd)


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
    return units.NOTHING


def _ending(runs: list[Run]) -> str:
    """How the runs ended, the bad first: "ok", "FAILED", "2 ok, 1 lost"."""
    endings = Counter(run.status for run in runs)
    if len(endings) == 1:
        return _ENDINGS[runs[0].status]
    worst_first = sorted(endings, key=lambda status: status == "ok")
    return ", ".join(f"{endings[status]} {_ENDINGS[status]}" for status in worst_first)


_ENDINGS = {
    "ok": "ok",
    "failed": "FAILED",
    "unsupported": "n/a",
    "cancelled": "stopped",
    "lost": "LOST",
}


def _stored(document: Document, runs: list[Run]) -> str:
    """How old, when the audit took them from the store: "3 h old", "2/6 stored"."""
    stored = [run for run in runs if run.stored]
    if not stored:
        return ""
    if len(stored) < len(runs):
        return f"{len(stored)}/{len(runs)} stored"
    oldest = max(document.started_at - run.started_at for run in stored)
    return f"{units.span(oldest)} old"


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _legend(document: Document, columns: list[Column], folded: bool) -> tuple[str, ...]:
    """What the words used mean, and where the seconds come from."""
    used = {cell.status for column in columns for cell in column.cells}
    if any(cell.odd for column in columns for cell in column.cells):
        used.add("odd")
    lines = [meaning for status, meaning in _MEANINGS.items() if status in used]
    if any(step.timing == "arrival" for run in document.runs for step in run.steps):
        lines.append("legacy prints no times: seconds from when its output arrived")
    repeats = max((run.repeat for run in document.runs), default=1)
    if repeats > 1:
        lines.append(f"seconds are the median of {repeats} repeats")
    if folded:
        lines.append("hosts that behave alike share a column: seconds are their median")
    return tuple(lines)
