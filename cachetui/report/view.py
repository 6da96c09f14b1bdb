"""An audit laid out for reading, the same for the terminal, Markdown and HTML.

Decides what is shown and in which words; the formats decide how. All text is cleaned for display
(see `clean`); none is escaped for a format.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from cachetui.compare.align import Agreement, Row, agree, align, by_scenario
from cachetui.compare.groups import Group, groups
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.report import units
from cachetui.report.causes import Cause, causes_of_differences
from cachetui.report.clean import clean_line
from cachetui.report.columns import Column, OddCells, column, stage_name
from cachetui.report.failures import Failure, LogTail, failures
from cachetui.report.overview import Overview, overview
from cachetui.report.passages import Passage, passages
from cachetui.report.share import ShareView, lay_out_share
from cachetui.report.signs import ODD, RUN_STATES, SPLIT, STEP_STATES
from cachetui.report.verdict import all_failed, number_of_places, places, verdict

FOLD_ABOVE = 6
"""Hosts that behave alike share a column in an audit of more hosts than this."""


def _short(status: str) -> str:
    return " ".join(filter(None, (STEP_STATES[status].sign.strip(), STEP_STATES[status].short)))


_MEANINGS = {
    "odd": f"{ODD} = the odd one out: not as most hosts",
    "split": f"{SPLIT} = hosts are split: no side has most of them, or only a few hit",
    "mixed": f"{STEP_STATES['mixed'].sign} = not the same each time",
    "not-needed": f"{_short('not-needed')} = its stage is not needed",
    "not-reached": f"{_short('not-reached')} = not reached: the build failed or stopped first",
    "stopped": f"{_short('stopped')} = at work when the run was stopped",
    "lost": f"{_short('lost')} = at work when the host or its engine was lost",
    "unsupported": f"{_short('unsupported')} = this host or its builder cannot build it",
    "base": f"{_short('base')} = FROM, or an ARG before it: does not count",
    "absent": "blank = this builder has no such step, or built nothing",
}


DIFFERENCES = tuple(_MEANINGS[status] for status in ("odd", "split", "mixed"))
"""The meanings of what shows where hosts, or repeats, differ."""


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A step. `stage` is its stage for people, empty where the Dockerfile has one stage only;
    `differs` names the scenarios in which hosts differ here, `odd` those in which some are odd."""

    stage: str
    line: int
    instruction: str
    differs: frozenset[str]
    odd: frozenset[str]

    def sign(self, scenarios: Collection[str]) -> str:
        """What marks the row among these scenarios; empty where hosts do not differ."""
        return ODD if self.odd & {*scenarios} else SPLIT if self.differs & {*scenarios} else ""


@dataclass(frozen=True, slots=True)
class View:
    """An audit to be drawn: `scenarios` maps each scenario that ran to its columns, in order.

    `agreeing` has a clause for each of them in which all hosts did the same. `folded` says which
    hosts stand behind a column ("A (62)", "ci-[01-62]"). `sign` stands before the verdict where
    hosts differ or all failed, and `verdict` says where, headline first; `places` are those of
    which no cause tells, and `causes` tell why hosts differ, None where they do not. `differing` is
    in how many places they do, of which the verdict lists some. `overview` is the same for groups
    of hosts and whole scenarios. `legend_without_agreeing` is of the scenarios in which hosts
    differ alone. `share` is there in an experiment with shared caches: then the verdict is about
    these.
    """

    title: str
    facts: tuple[str, ...]
    rows: tuple[ViewRow, ...]
    scenarios: dict[str, tuple[Column, ...]]
    agreeing: dict[str, str]
    folded: tuple[tuple[str, str], ...]
    sign: str
    legend: tuple[str, ...]
    legend_without_agreeing: tuple[str, ...]
    failures: tuple[Failure, ...]
    passages: tuple[Passage, ...]
    verdict: tuple[str, ...]
    places: tuple[str, ...]
    causes: tuple[Cause, ...] | None
    differing: int
    overview: Overview | None = None
    share: ShareView | None = None


def lay_out(document: Document, findings: Findings, log_tail: LogTail) -> View:
    """The view of an audit, whole or partial, with what is found of it. `log_tail` reads the logs
    of failed steps."""
    rows = align(document.runs, by_scenario)
    agreement = agree(document)
    labels, folded = _labels(document)
    scenarios = _columns(document, rows, agreement, labels)
    columns = [column for block in scenarios.values() for column in block]
    agreeing = _agreeing(document, agreement, scenarios)
    differing = [column for column in columns if column.scenario not in agreeing]
    used = {column.label for column in columns}
    folded = tuple((label, hosts) for label, hosts in folded if label in used)
    share = lay_out_share(document, document.share) if document.share is not None else None
    return View(
        title=clean_line(document.build.name),
        facts=_facts(document),
        rows=_rows(rows, agreement),
        scenarios=scenarios,
        agreeing=agreeing,
        folded=folded,
        sign=_sign(document, agreement) if share is None else "",
        legend=_legend(document, columns, agreement, bool(folded)),
        legend_without_agreeing=_legend(document, differing, agreement, bool(folded)),
        failures=failures(document, log_tail),
        passages=(*_shared_notes(share), *passages(document)),
        verdict=share.verdict if share else verdict(document, agreement, findings),
        places=share.verdict[1:] if share else places(agreement, findings),
        causes=None
        if share or agreement.agree
        else tuple(causes_of_differences(findings, agreement)),
        differing=len(share.verdict[1:]) if share else number_of_places(agreement),
        overview=None if share else overview(document, agreement, tuple(scenarios)),
        share=share,
    )


def _shared_notes(share: ShareView | None) -> tuple[Passage, ...]:
    return (Passage("Shared caches", share.notes),) if share is not None and share.notes else ()


def _facts(document: Document) -> tuple[str, ...]:
    build = document.build
    target = f", target {clean_line(build.target)}" if build.target else ""
    files = units.count(build.context_files, "file")
    return (
        f"audit {clean_line(document.audit)}",
        clean_line(build.dockerfile) + target,
        f"context {units.size(build.context_bytes)} in {files}",
        f"took {units.seconds(document.seconds)}",
    )


def _columns(
    document: Document, rows: Sequence[Row], agreement: Agreement, labels: dict[str, list[Label]]
) -> dict[str, tuple[Column, ...]]:
    """The columns of each scenario that a builder could run."""
    odd: OddCells = {
        (difference.scenario, difference.step, host)
        for difference in agreement.disagreements
        for host in difference.odd
    }
    scenarios: dict[str, tuple[Column, ...]] = {}
    for scenario in _scenarios(document):
        runs = [run for run in document.runs if run.scenario == scenario]
        if any(run.status != "unsupported" for run in runs):
            scenarios[scenario] = tuple(
                column(document, rows, label, hosts, own, odd)
                for label, hosts in labels[scenario]
                if (own := [run for run in runs if run.host in hosts])
            )
    return scenarios


def _agreeing(
    document: Document, agreement: Agreement, scenarios: dict[str, tuple[Column, ...]]
) -> dict[str, str]:
    """ "4 hosts agree: 0/11 hits, 3.9s to 4.6s" for each scenario that hosts ran to its end and in
    which none differs."""
    differing = {difference.scenario for difference in agreement.disagreements}
    clauses: dict[str, str] = {}
    for scenario, columns in scenarios.items():
        runs = [run for run in document.runs if run.scenario == scenario]
        compared = scenario in agreement.compared and scenario not in differing
        if not compared or any(run.status != "ok" for run in runs):
            continue
        ratios = {column.ratio.partition(" ")[0] for column in columns}
        hits = f"{ratios.pop()} hits" if len(ratios) == 1 else ""
        seconds = sorted(run.seconds for run in runs if run.seconds is not None)
        shown = list(dict.fromkeys(units.seconds(each) for each in seconds[:1] + seconds[-1:]))
        told = ", ".join(filter(None, [hits, " to ".join(shown)]))
        count = units.count(len({run.host for run in runs}), "host")
        clauses[scenario] = f"{count} agree" + (f": {told}" if told else "")
    return clauses


def _scenarios(document: Document) -> list[str]:
    """The plan's scenarios in its order, and any other that has runs."""
    return list(dict.fromkeys([*document.scenarios, *(run.scenario for run in document.runs)]))


Label = tuple[str, frozenset[str]]
"""A column's name, and the hosts in it."""


def _labels(document: Document) -> tuple[dict[str, list[Label]], tuple[tuple[str, str], ...]]:
    """The columns of each scenario, and what the labels of folded ones stand for.

    Hosts that are alike in all scenarios share a column. Where these are many, hosts that are alike
    in a scenario share its column, whatever they do in others: a fleet in which each host is odd
    somewhere has few columns in each. The same hosts have the same letter everywhere.
    """
    names = list(dict.fromkeys([h.name for h in document.hosts] + [r.host for r in document.runs]))
    scenarios = _scenarios(document)
    if len(names) <= FOLD_ABOVE:
        alone: list[Label] = [(clean_line(name), frozenset([name])) for name in names]
        return dict.fromkeys(scenarios, alone), ()
    everywhere = groups(document)
    labels: dict[str, list[Label]] = {}
    folded: dict[frozenset[str], tuple[str, str]] = {}
    for scenario in scenarios:
        alike = everywhere if len(everywhere) <= FOLD_ABOVE else _alike_in(document, scenario)
        labels[scenario] = []
        for group in alike:
            hosts, label = frozenset(group.hosts), clean_line(group.name)
            if len(hosts) > 1:
                letter = f"{_letter(len(folded))} ({len(hosts)})"
                label, _ = folded.setdefault(hosts, (letter, label))
            labels[scenario].append((label, hosts))
    return labels, tuple(folded.values())


def _alike_in(document: Document, scenario: str) -> tuple[Group, ...]:
    """The hosts that ran a scenario, those that behave alike in it together."""
    runs = tuple(run for run in document.runs if run.scenario == scenario)
    ran = {run.host for run in runs}
    hosts = tuple(host for host in document.hosts if host.name in ran)
    return groups(msgspec.structs.replace(document, runs=runs, hosts=hosts))


def _letter(number: int) -> str:
    """A, B, … Z, A2, B2, …"""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26 + 1}"


def _rows(rows: Sequence[Row], agreement: Agreement) -> tuple[ViewRow, ...]:
    differing: dict[StepId, set[str]] = {}
    odd: dict[StepId, set[str]] = {}
    for difference in agreement.disagreements:
        if difference.step is not None:
            differing.setdefault(difference.step, set()).add(difference.scenario)
            if difference.odd:
                odd.setdefault(difference.step, set()).add(difference.scenario)
    many = len({row.id.stage_index for row in rows}) > 1
    return tuple(
        ViewRow(
            stage_name(row.id.stage_index, row.stage) if many else "",
            row.line,
            clean_line(row.instruction),
            frozenset(differing.get(row.id, ())),
            frozenset(odd.get(row.id, ())),
        )
        for row in rows
    )


def _sign(document: Document, agreement: Agreement) -> str:
    """What stands before the verdict: whether there is an odd one out, hosts differ without, or all
    failed."""
    if all_failed(document, agreement):
        return RUN_STATES["failed"].sign
    if agreement.agree:
        return ""
    return ODD if any(difference.odd for difference in agreement.disagreements) else SPLIT


def _legend(
    document: Document, columns: list[Column], agreement: Agreement, folded: bool
) -> tuple[str, ...]:
    """What the words used mean, and where the seconds come from."""
    used = {cell.status for column in columns for cell in column.cells}
    if any(cell.odd for column in columns for cell in column.cells):
        used.add("odd")
    if any(not difference.odd for difference in agreement.disagreements):
        used.add("split")
    if any(_short("unsupported") in column.ending for column in columns):
        used.add("unsupported")
    lines = [meaning for status, meaning in _MEANINGS.items() if status in used]
    legacy = [run for run in document.runs if run.backend == "legacy"]
    if any(step.timing == "arrival" for run in legacy for step in run.steps):
        lines.append("legacy prints no times: seconds from when its output arrived")
    repeats = max((run.repeat for run in document.runs), default=1)
    if repeats > 1:
        lines.append(f"seconds are the median of {repeats} repeats")
    if folded:
        lines.append("hosts that behave alike share a column: seconds are their median")
    return tuple(lines)
