"""How long each scenario took on each host, and whether it differs from what it is held against.

Three baselines, always named: the cold legacy build of the same host for the cold BuildKit build;
the build with cold mounts for the one with warm ones; and the first host for the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.compare.timings import FEW, Finding, Grade, difference, is_loaded, samples, summarise
from cachetui.records.base import Record
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, LEGACY_COLD

WITHIN = (
    (BUILDKIT_COLD.name, LEGACY_COLD.name),
    (BUILDKIT_MOUNTS_WARM.name, BUILDKIT_COLD.name),
)
"""Scenarios of one host that are held against each other: which, and the baseline."""


class Speed(Record, frozen=True, kw_only=True):
    """Wall seconds of a scenario on a host. `samples` are raw, in order of time; `low` and `high`
    are what `grade` says: the range ("shown", "range") or the median's 95% interval ("tested").
    `loaded`: the host was at work on other things before one of the runs."""

    host: str
    scenario: str
    samples: tuple[float, ...]
    median: float
    low: float
    high: float
    grade: Grade
    loaded: bool


class Comparison(Record, frozen=True, kw_only=True):
    """A scenario on a host against a baseline: `ratio` of the medians between `low` and `high`,
    and what the samples bear out (`finding`; `p` is the rank test's). See `timings.Difference`."""

    host: str
    scenario: str
    baseline_host: str
    baseline_scenario: str
    ratio: float | None
    low: float | None
    high: float | None
    seconds: float
    grade: Grade
    finding: Finding
    p: float | None
    text: str


def speeds(document: Document) -> tuple[Speed, ...]:
    """Every scenario on every host that ended well at least once."""
    facts = {host.name: host.facts for host in document.hosts}
    found: list[Speed] = []
    for (host, scenario), runs in _series(document).items():
        one = summarise(samples(runs))
        if one is not None:
            loaded = any(is_loaded(run, facts) for run in runs)
            found.append(
                Speed(
                    host=host,
                    scenario=scenario,
                    samples=one.samples,
                    median=one.median,
                    low=one.low,
                    high=one.high,
                    grade=one.grade,
                    loaded=loaded,
                )
            )
    return tuple(found)


def comparisons(document: Document) -> tuple[Comparison, ...]:
    """What three repeats or more say of each scenario; nothing of fewer."""
    series = _series(document)
    found = (_compared(series, *pair) for pair in _pairs(series))
    return tuple(one for one in found if one is not None and one.grade != "shown")


_Key = tuple[str, str]


def _series(document: Document) -> dict[_Key, list[Run]]:
    found: dict[_Key, list[Run]] = {}
    for run in document.runs:
        if run.status == "ok":
            found.setdefault((run.host, run.scenario), []).append(run)
    return found


def _pairs(series: dict[_Key, list[Run]]) -> Iterator[tuple[_Key, _Key]]:
    firsts: dict[str, str] = {}
    for host, scenario in series:
        if len(series[(host, scenario)]) >= FEW:
            firsts.setdefault(scenario, host)
    for host, scenario in series:
        for which, baseline in WITHIN:
            if scenario == which and (host, baseline) in series:
                yield (host, scenario), (host, baseline)
        first = firsts.get(scenario)
        if first is not None and first != host:
            yield (host, scenario), (first, scenario)


def _compared(series: dict[_Key, list[Run]], one: _Key, other: _Key) -> Comparison | None:
    name = other[1] if one[0] == other[0] else other[0]
    found = difference(samples(series[one]), samples(series[other]), name)
    if found is None:
        return None
    return Comparison(
        host=one[0],
        scenario=one[1],
        baseline_host=other[0],
        baseline_scenario=other[1],
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        seconds=found.seconds,
        grade=found.grade,
        finding=found.finding,
        p=found.p,
        text=found.sentence(),
    )
