"""What hosts did in each scenario, those that behave alike in a row: the table at a report's head.

All text is cleaned for display.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.align import Agreement
from cachetui.compare.groups import fold_short, groups
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.signs import HOST_STATES, ODD, RUN_STATES, SPLIT, key_of_signs, ratio_sign

MAX_ROWS = 12
"""Groups of hosts that are shown; more are counted."""


@dataclass(frozen=True, slots=True)
class OverviewCell:
    """A scenario on hosts that behave alike: "≠ ○ 0% ~7.6s", `odd` where its hosts are."""

    text: str
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """`rows` are the names of hosts and a cell for each of the `scenarios`. `key` says what the
    signs mean, and `more` how many groups of hosts are left out, empty where none is."""

    scenarios: tuple[str, ...]
    rows: tuple[tuple[str, tuple[OverviewCell, ...]], ...]
    key: str
    more: str = ""


def cell_signs(agreement: Agreement) -> dict[tuple[str, str], str]:
    """The sign of each (host, scenario) that has one: `ODD` of the odd ones, `SPLIT` of those that
    did not hit in a scenario in which hosts differ and none is odd. That some lack a builder makes
    neither: their cell says so, and how the others build is no odder for it."""
    built = [each for each in agreement.disagreements if not each.is_of_builders]
    signs = {(host, each.scenario): ODD for each in built for host in each.odd}
    with_odd = {scenario for _, scenario in signs}
    for each in built:
        if each.scenario not in with_odd:
            hit = {host for side in each.sides if side.status == "hit" for host in side.hosts}
            signs |= {(host, each.scenario): SPLIT for host in each.hosts if host not in hit}
    return signs


def overview(document: Document, agreement: Agreement, scenarios: Sequence[str]) -> Overview | None:
    """The table of these scenarios, groups that take longest where hosts differ first; None where
    nothing ran."""
    if not scenarios:
        return None
    by_cell: dict[tuple[str, str], list[Run]] = {}
    for run in document.runs:
        by_cell.setdefault((run.host, run.scenario), []).append(run)
    hosts = {host.name: host for host in document.hosts}
    signs = cell_signs(agreement)
    found: list[tuple[tuple[float, float], str, tuple[OverviewCell, ...]]] = []
    for group in groups(document):
        runs = {s: [r for h in group.hosts for r in by_cell.get((h, s), ())] for s in scenarios}
        marked = {s: signs.get((group.hosts[0], s), "") for s in scenarios}
        cells = tuple(_cell(runs[s], hosts.get(group.hosts[0]), marked[s]) for s in scenarios)
        took = {s: _seconds(own) or 0.0 for s, own in runs.items()}
        apart = sum(seconds for s, seconds in took.items() if marked[s])
        found.append(((apart, sum(took.values())), _name(group.hosts), cells))
    found.sort(key=lambda row: row[0], reverse=True)
    shown = tuple((name, cells) for _, name, cells in found[:MAX_ROWS])
    left = len(found) - len(shown)
    text = " ".join(cell.text for _, cells in shown for cell in cells)
    return Overview(
        scenarios=tuple(map(clean_line, scenarios)),
        rows=shown,
        key=" · ".join(key_of_signs(text).values()),
        more=f"and {units.count(left, 'more group')} of hosts that behave alike" if left else "",
    )


def _name(hosts: Sequence[str]) -> str:
    name = clean_line(fold_short(hosts))
    return name if len(hosts) == 1 or name.endswith("hosts)") else f"{name} ({len(hosts)} hosts)"


def _seconds(runs: Sequence[Run]) -> float | None:
    took = [run.seconds for run in runs if run.status == "ok" and run.seconds is not None]
    return statistics.median(took) if took else None


def _cell(runs: Sequence[Run], host: HostReport | None, sign: str) -> OverviewCell:
    """The runs of hosts that behave alike, and of their repeats."""
    odd, before = sign == ODD, f"{sign} " if sign else ""
    if not runs:
        state = HOST_STATES.get(host.status) if host is not None else None
        return OverviewCell(f"{state.sign} {state.word}" if state else "")
    bad = next((run.status for run in runs if run.status != "ok"), None)
    if bad is not None:
        return OverviewCell(f"{before}{RUN_STATES[bad].sign} {RUN_STATES[bad].word}", odd)
    counted = [step.status == "hit" for run in runs for step in run.steps if step.counts]
    hits = sum(counted)
    ratio = ""
    if counted:
        ratio = f"{ratio_sign(hits, len(counted) - hits)} {units.percent(hits / len(counted))}"
    about = "~" if len(runs) > 1 else ""
    seconds = units.seconds(_seconds(runs))
    return OverviewCell(f"{before}{ratio} {about}{seconds}".strip(), odd)
