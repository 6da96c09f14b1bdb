"""Sections below an audit's table: what could not be built, timings, notes, what is left behind.

All text is cleaned for display.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cachetui.compare.engines import engines_of_several_names
from cachetui.compare.groups import fold_short
from cachetui.compare.speeds import Speed, comparisons, speeds
from cachetui.compare.timings import cautions
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.origins import origins
from cachetui.report.pulled import pulled
from cachetui.report.signs import STEP_STATES
from cachetui.report.stale import stale_lines

LEFT = "Left behind on the hosts"

MAX_HOSTS = 6
"""Hosts whose leftovers are listed one by one."""

MAX_COMPARISONS = 12
"""Comparisons of seconds that are listed."""

MAX_PULLS = 12
"""Hits with a pull that are listed."""

_OWN_NAME = "\0"
"""Stands for a host's name, while texts are compared."""

TROUBLES = "Hosts in trouble"
"""The heading of what formats for people show on top."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading and its lines."""

    heading: str
    lines: tuple[str, ...]


def passages(document: Document) -> tuple[Passage, ...]:
    """What stands below the table, empty passages left out."""
    every = (
        Passage(TROUBLES, _troubles(document.hosts)),
        Passage("One engine under several names", _engines(document)),
        Passage("Could not be built", _unsupported(document)),
        Passage("Where hits came from", tuple(map(clean_line, origins(document)))),
        Passage("Imported, and made anew", tuple(map(clean_line, stale_lines(document)))),
        Passage("Pulled from an imported cache", _pulled(document)),
        Passage("Timings compared", _timings(document)),
        Passage("Less reliable timings", tuple(map(clean_line, cautions(document)))),
        Passage("Notes", _notes(document)),
        Passage(LEFT, (*_left(document.hosts), *_contexts(document))),
    )
    return tuple(passage for passage in every if passage.lines)


def _pulled(document: Document) -> tuple[str, ...]:
    """The hits whose layers a run pulled, and what that cost: it is part of their seconds."""
    steps = [(run, step) for run in document.runs for step in run.steps if pulled(step)]
    lines = [
        clean_line(
            f"{run.scenario} on {run.host}, line {step.line}: {STEP_STATES[step.status].word}, "
            + pulled(step)
        )
        for run, step in steps[:MAX_PULLS]
    ]
    more = len(steps) - MAX_PULLS
    return (*lines, *[f"and {more} more: --format json has them all"] * (more > 0))


def _timings(document: Document) -> tuple[str, ...]:
    """How long scenarios took, from three repeats on, compared with a baseline."""
    by_place = {(speed.host, speed.scenario): speed for speed in speeds(document)}
    lines: list[str] = []
    for result in comparisons(document):
        speed = by_place[(result.host, result.scenario)]
        baseline = by_place[(result.baseline_host, result.baseline_scenario)]
        loaded = " (loaded)" if speed.loaded or baseline.loaded else ""
        where = f"{result.scenario} on {result.host}"
        lines.append(clean_line(f"{where}: {_spread(speed)}; {result.text}{loaded}"))
    more = len(lines) - MAX_COMPARISONS
    if more > 0:
        lines = [*lines[:MAX_COMPARISONS], f"and {more} more: --format json has them all"]
    return tuple(lines)


def _spread(speed: Speed) -> str:
    what = "95% of the median" if speed.grade == "tested" else "range"
    low, high = units.seconds(speed.low), units.seconds(speed.high)
    median = units.seconds(speed.median)
    return f"{median} ({what} {low} to {high}, {len(speed.samples)} runs)"


def _troubles(hosts: Iterable[HostReport]) -> tuple[str, ...]:
    """A line for each trouble, with the hosts that have it."""
    return tuple(
        _sentence(fold_short(names), status, reason, remedy)
        for names, status, reason, remedy in alike_troubles(hosts)
    )


Trouble = tuple[list[str], str, str, str]
"""Names of hosts, their status, the reason, and what to do about it or ""."""


def alike_troubles(hosts: Iterable[HostReport]) -> list[Trouble]:
    """What is wrong, once for all hosts of which the same is: where a reason has the host's own
    name in it ("ci-3.example.com refused"), it has the folded names there. Not cleaned."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for host in hosts:
        if host.status != "ok":
            reason, remedy = host.reason or "no reason is known", host.remedy or ""
            why, to_do = (text.replace(host.name, _OWN_NAME) for text in (reason, remedy))
            alike.setdefault((host.status, why, to_do), []).append(host.name)
    told: list[Trouble] = []
    for (status, *texts), names in alike.items():
        reason, remedy = (text.replace(_OWN_NAME, fold_short(names)) for text in texts)
        told.append((names, status, reason, remedy))
    return told


def trouble(host: HostReport) -> str:
    """What is wrong with a host and what to do about it, cleaned."""
    ((_, status, reason, remedy),) = alike_troubles([host])
    return _sentence(host.name, status, reason, remedy)


def _sentence(names: str, status: str, reason: str, remedy: str) -> str:
    to_do = f" To do: {clean_line(remedy)}" if remedy else ""
    return f"{clean_line(names)}: {status}: {clean_line(reason).rstrip('.')}.{to_do}"


def _unsupported(document: Document) -> tuple[str, ...]:
    """A line for each reason, with the scenarios and hosts it holds for."""
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
            places.setdefault("all hosts" if everywhere else fold_short(hosts), []).append(scenario)
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
            f"{clean_line(scenario)} on {clean_line(fold_short(hosts))}: {clean_line(note)}"
            for (scenario, note), hosts in notes.items()
        ),
    )


def _engines(document: Document) -> tuple[str, ...]:
    return tuple(
        f"{clean_line(fold_short(names))}: built one after the other; compared as "
        f"{clean_line(first)}"
        for first, names in engines_of_several_names(document).items()
    )


def _left(hosts: Iterable[HostReport]) -> tuple[str, ...]:
    hosts = list(hosts)
    unasked = [host for host in hosts if host.not_asked_since is not None]
    asked = [host for host in hosts if host.not_asked_since is None]
    known = [host for host in asked if host.left_behind_bytes is not None]
    unknown = [host.name for host in asked if host not in known and host.status == "ok"]
    lines: list[str] = []
    if known and not any(host.left_behind_bytes or host.left_behind_images for host in known):
        on = f" on {clean_line(fold_short([host.name for host in known]))}" if unasked else ""
        lines.append(f"nothing{on}")
    elif len(known) <= MAX_HOSTS:
        lines += [
            ", ".join(f"{clean_line(host.name)} {_left_on([host])}" for host in known)
        ] * bool(known)
    else:
        most = max(known, key=lambda host: host.left_behind_bytes or 0)
        told = f"{_left_on(known)} on {len(known)} hosts"
        if len({_left_on([host]) for host in known}) == 1:
            lines.append(f"{told}: {_left_on([most])} each")
        else:
            lines.append(f"{told}; most on {clean_line(most.name)}: {_left_on([most])}")
    if unknown:
        lines.append(f"could not be measured on {clean_line(fold_short(unknown))}")
    if unasked:
        since = min(host.not_asked_since or 0.0 for host in unasked)
        lines.append(
            f"unknown on {clean_line(fold_short(host.name for host in unasked))}: not asked since "
            f"{_utc(since)}; the next audit there or cachetui clean removes what is left"
        )
    return tuple(lines)


def _contexts(document: Document) -> Iterator[str]:
    """Where the build context stays, which `_left` does not count."""
    there = [host.name for host in document.hosts if host.context_there]
    if there:
        size = units.size(document.build.context_bytes)
        yield (
            f"the build context ({size}) in ~/.cache/cachetui on "
            f"{clean_line(fold_short(there))}, for later audits; cachetui clean removes it"
        )


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _left_on(hosts: Sequence[HostReport]) -> str:
    """ "up to 1.3 MB", with the images among it where there are any."""
    size = units.size(sum(host.left_behind_bytes or 0 for host in hosts))
    images = sum(host.left_behind_images for host in hosts)
    at_most = "up to " if any(host.left_behind_at_most for host in hosts) else ""
    named = f" ({images} image{'s' if images > 1 else ''})" if images else ""
    return f"{at_most}{size}{named}"
