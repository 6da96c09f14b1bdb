"""What is said around the table: what failed, what could not be done, what is left, the verdict.

All text is cleaned for display.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cachetui.compare.align import Agreement, Disagreement, order
from cachetui.compare.groups import fold
from cachetui.compare.speeds import Speed, comparisons, speeds
from cachetui.compare.timings import cautions
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report import units
from cachetui.report.clean import clean, clean_line

LogTail = Callable[[str, StepId], list[str]]
"""The last lines of a step's log, raw, given the run's id and the step."""

TAIL_LINES = 10
"""Lines of a failed step's log that are shown again at the end."""

_LISTED = 6
_PLACES = 12


@dataclass(frozen=True, slots=True)
class Failure:
    """Builds that failed alike: in one step, in `scenarios`, on `hosts` (names folded).

    `step` names the instruction with its line, empty when no step is to blame; `tail` are the
    last lines of its log in the first of the runs.
    """

    scenarios: tuple[str, ...]
    hosts: str
    step: str
    reason: str
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading and its lines."""

    heading: str
    lines: tuple[str, ...]


def failures(document: Document, log_tail: LogTail) -> tuple[Failure, ...]:
    """Failed, lost and cancelled runs, those that failed alike told once."""
    alike: dict[tuple[str, str, StepId | None], list[Run]] = {}
    for run in document.runs:
        if run.status in ("failed", "lost", "cancelled"):
            step = _blamed(run)
            alike.setdefault((run.status, run.scenario, step.id if step else None), []).append(run)
    merged: dict[tuple[str, StepId | None, str], list[Run]] = {}
    for (status, _, step_id), runs in alike.items():
        hosts = fold(run.host for run in runs)
        merged.setdefault((status, step_id, hosts), []).extend(runs)
    return tuple(_failure(runs, hosts, log_tail) for (*_, hosts), runs in merged.items())


def _blamed(run: Run) -> Step | None:
    """The first step of the Dockerfile that failed."""
    failed = [step for step in run.steps if step.status == "failed"]
    return min(failed, key=lambda step: order(step.id), default=None)


def _failure(runs: list[Run], hosts: str, log_tail: LogTail) -> Failure:
    run, step = runs[0], _blamed(runs[0])
    tail: list[str] = []
    if step is not None:
        text = "\n".join(clean(line) for line in log_tail(run.id, step.id))
        tail = [line.expandtabs(4).rstrip() for line in text.rstrip("\n").split("\n")]
    reason = (step.error if step is not None else None) or run.reason or "no reason is known"
    return Failure(
        scenarios=tuple(dict.fromkeys(clean_line(one.scenario) for one in runs)),
        hosts=clean_line(hosts),
        step=f"line {step.line}: {clean_line(step.instruction)}" if step is not None else "",
        reason=f"{run.status}: {clean_line(reason)}",
        tail=tuple(tail[-TAIL_LINES:]) if any(tail) else (),
    )


def passages(document: Document) -> tuple[Passage, ...]:
    """What stands below the table, empty passages left out."""
    every = (
        Passage("Hosts in trouble", _troubles(document.hosts)),
        Passage("Could not be built", _unsupported(document)),
        Passage("Seconds compared", _seconds(document)),
        Passage("Seconds to doubt", tuple(map(clean_line, cautions(document)))),
        Passage("Notes", _notes(document)),
        Passage("Left behind on the hosts", _left(document.hosts)),
    )
    return tuple(passage for passage in every if passage.lines)


def _seconds(document: Document) -> tuple[str, ...]:
    """What three repeats or more say of how long a scenario took, with the baseline named."""
    every = {(one.host, one.scenario): one for one in speeds(document)}
    lines: list[str] = []
    for one in comparisons(document):
        mine = every[(one.host, one.scenario)]
        other = every[(one.baseline_host, one.baseline_scenario)]
        loaded = " (loaded)" if mine.loaded or other.loaded else ""
        lines.append(
            clean_line(f"{one.scenario} on {one.host}: {_spread(mine)}; {one.text}{loaded}")
        )
    more = len(lines) - _PLACES
    if more > 0:
        lines = [*lines[:_PLACES], f"and {units.count(more, 'more', 'more')}: the JSON has them"]
    return tuple(lines)


def _spread(one: Speed) -> str:
    what = "95% of the median" if one.grade == "tested" else "range"
    low, high = units.seconds(one.low), units.seconds(one.high)
    return f"{units.seconds(one.median)} ({what} {low} to {high}, {len(one.samples)} runs)"


def _troubles(hosts: Iterable[HostReport]) -> tuple[str, ...]:
    return tuple(trouble(host) for host in hosts if host.status != "ok")


def trouble(host: HostReport) -> str:
    """What is amiss with a host and what to do about it, cleaned."""
    why = clean_line(host.reason or "no reason is known").rstrip(".")
    remedy = f" To do: {clean_line(host.remedy)}" if host.remedy else ""
    return f"{clean_line(host.name)}: {host.status}: {why}.{remedy}"


def _unsupported(document: Document) -> tuple[str, ...]:
    """One line a reason, with the scenarios and hosts it holds for."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for run in document.runs:
        if run.status == "unsupported":
            scenarios = reasons.setdefault(run.reason or "no reason is known", {})
            scenarios.setdefault(run.scenario, []).append(run.host)
    lines: list[str] = []
    reached = {run.host for run in document.runs}
    for reason, scenarios in reasons.items():
        places: dict[str, list[str]] = {}
        for scenario, hosts in scenarios.items():
            everywhere = len(reached) > 1 and set(hosts) == reached
            places.setdefault("all hosts" if everywhere else fold(hosts), []).append(scenario)
        lines += [
            f"{', '.join(map(clean_line, names))} on {clean_line(where)}: {clean_line(reason)}"
            for where, names in places.items()
        ]
    return tuple(lines)


def _notes(document: Document) -> tuple[str, ...]:
    notes: dict[tuple[str, str], list[str]] = {}
    for run in document.runs:
        for note in run.notes:
            notes.setdefault((run.scenario, note), []).append(run.host)
    return (
        *(clean_line(note) for note in document.notes),
        *(
            f"{clean_line(scenario)} on {clean_line(fold(hosts))}: {clean_line(note)}"
            for (scenario, note), hosts in notes.items()
        ),
    )


def _left(hosts: Iterable[HostReport]) -> tuple[str, ...]:
    reached = [host for host in hosts if host.status == "ok"]
    known = {h.name: h.left_behind_bytes for h in reached if h.left_behind_bytes is not None}
    unknown = [host.name for host in reached if host.left_behind_bytes is None]
    lines: list[str] = []
    if known and not any(known.values()):
        lines.append("nothing")
    elif len(known) <= _LISTED:
        lines += [
            ", ".join(f"{clean_line(name)} {units.size(left)}" for name, left in known.items())
        ] * bool(known)
    else:
        most = max(known, key=lambda name: known[name])
        lines.append(
            f"{units.size(sum(known.values()))} on {len(known)} hosts; "
            f"most on {clean_line(most)}: {units.size(known[most])}"
        )
    if unknown:
        lines.append(f"could not be measured on {clean_line(fold(unknown))}")
    return tuple(lines)


def verdict(document: Document, agreement: Agreement) -> tuple[str, ...]:
    """Whether hosts behave alike, and where not: a headline, then a line a difference."""
    missing = [host.name for host in document.hosts if host.status != "ok"]
    besides = f" Not compared: {clean_line(fold(missing))}." if missing else ""
    if not agreement.compared:
        return (f"Nothing to compare: no scenario ran on two hosts.{besides}",)
    if agreement.agree:
        hosts = len({run.host for run in document.runs if run.scenario in agreement.compared})
        scenarios = units.count(len(agreement.compared), "scenario")
        return (f"{hosts} hosts agree step by step in {scenarios}.{besides}",)
    gathered: dict[tuple[str, StepId | None], Disagreement] = {}
    for one in agreement.disagreements:
        gathered.setdefault((one.scenario, one.step), one)
    lines = [_difference(one) for one in gathered.values()]
    more = len(lines) - _PLACES
    places = units.count(len(lines), "place")
    return (
        f"Hosts differ in {places}.{besides}",
        *lines[:_PLACES],
        *[f"and in {units.count(more, 'more place', 'more places')}"] * (more > 0),
    )


def _difference(one: Disagreement) -> str:
    words = {"hit": "HIT", "miss": "MISS", "failed": "FAIL"}
    sides = "; ".join(
        f"{clean_line(fold(side.hosts))} {words.get(side.status, side.status)}"
        for side in reversed(one.sides)
    )
    where = clean_line(one.scenario)
    if one.step is not None:
        where += f", line {one.line} {clean_line(one.instruction or '')}"
    return f"{where}: {sides}"
