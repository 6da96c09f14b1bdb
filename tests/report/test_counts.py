"""Each count in a report of a large fleet is that of the stored runs, counted anew here."""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict

import pytest
from msgspec.structs import replace

from cachetui.compare.groups import fold
from cachetui.findings import Findings
from cachetui.findings.record import StepRef
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.report import costs, units
from cachetui.report.causes import Cause
from cachetui.report.formats import markdown
from cachetui.report.overview import MAX_ROWS
from cachetui.report.verdict import MAX_PLACES
from tests.findings.making import why
from tests.ragged_fleet import SCENARIOS, ragged_fleet
from tests.report.reports import report

FLEETS = [(200, 7), (60, 3), (90, 11)]
"""How many hosts, and the seed of what happened to them."""


@pytest.fixture(scope="module", params=FLEETS, ids=str)
def shown(request: pytest.FixtureRequest) -> tuple[Document, Findings, str]:
    """A fleet, what is found about it, and its report without markup."""
    document = ragged_fleet(*request.param)
    findings = why(document)
    text = markdown.render(report(document, findings, max_findings=None))
    return document, findings, re.sub(r"\\|\*\*|&#8203;|\u200b", "", text)


def _causes(findings: Findings) -> list[Cause]:
    return [*findings.findings, *findings.unexplained]


def _counted(name: str) -> int:
    """How many hosts a folded list of names is: "ci-[1,3-5]", "ci-[1-9,…] (40 hosts)"."""
    told = re.search(r"\((\d+)(?: hosts)?\)$", name)
    if told:
        return int(told[1])
    inside = re.search(r"\[([^]]*)\]", name)
    if not inside:
        return 1
    ends = [part.split("-") for part in inside[1].split(",")]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)


def _as_they_built(document: Document) -> dict[str, Counter[tuple[object, ...]]]:
    """Scenario → how many hosts did each thing in it."""
    found: dict[str, Counter[tuple[object, ...]]] = defaultdict(Counter)
    for run in document.runs:
        did = (run.status, *((step.id, step.status) for step in run.steps))
        found[run.scenario][did] += 1
    return found


def _apart(document: Document) -> tuple[set[str], set[tuple[str, object]]]:
    """The hosts that in some step do as less than half of them do, and the places where hosts
    do not all do the same."""
    did: dict[tuple[str, object], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in document.runs:
        did[run.scenario, None][run.status].add(run.host)
        for step in run.steps:
            if step.status in ("hit", "miss", "failed"):
                did[run.scenario, step.id][step.status].add(run.host)
    odd: set[str] = set()
    places: set[tuple[str, object]] = set()
    for (scenario, place), sides in did.items():
        every = sum(map(len, sides.values()))
        if len(sides) > 1:
            places.add((scenario, place))
            if place is not None:
                odd |= {host for of in sides.values() if len(of) * 2 < every for host in of}
    return odd, places


def test_the_headline_counts_hosts_that_differ_of_those_that_built(
    shown: tuple[Document, Findings, str],
) -> None:
    document, findings, text = shown
    odd, _ = _apart(document)
    built = {run.host for run in document.runs}
    assert f"{len(odd)} of {len(built)} hosts differ: " in text
    absent = [host.name for host in document.hosts if host.name not in built]
    assert bool(absent) == ("Not compared: " in text)
    if absent:
        told = re.search(r"Not compared: (\S+)\.\s", text)
        assert told is not None
        assert _counted(told[1]) == len(absent)
        assert told[1] == fold(absent)
    most = max(_causes(findings), key=lambda each: each.seconds or 0)
    assert f"most: {costs.most(most)}." in text


def test_groups_of_hosts_add_up_to_the_hosts(shown: tuple[Document, Findings, str]) -> None:
    document, _, text = shown
    rows = [
        line.strip("| ").split(" | ")
        for line in text.partition("### ")[0].splitlines()
        if line.startswith("| ci-")
    ]
    more = re.search(r"and (\d+) more groups?", text.partition("### ")[0])
    assert len(rows) == MAX_ROWS if more else len(rows) <= MAX_ROWS
    counts = [_counted(row[0]) for row in rows]
    assert more or sum(counts) == len(document.hosts)
    by_cell: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in document.runs:
        by_cell[run.host, run.scenario].append(run)
    for number, scenario in enumerate(SCENARIOS, 1):
        expected: Counter[str] = Counter()
        for host in document.hosts:
            runs = by_cell[host.name, scenario]
            expected[runs[0].status if runs else host.status] += 1
        told: Counter[str] = Counter()
        for row, count in zip(rows, counts, strict=True):
            word = row[number].split()[-1].lower()
            told[word if word in expected else "ok"] += count
        assert more or told == expected


def test_a_row_of_the_overview_has_the_ratio_and_the_seconds_of_its_runs(
    shown: tuple[Document, Findings, str],
) -> None:
    document, _, text = shown
    # a row names all its hosts only where they are few
    rows = re.findall(r"^\| (ci-(?:\d+|\[[^]…]*\]))(?: \(\d+ hosts\))? \| (.*) \|$", text, re.M)
    assert rows
    for name, cells in rows:
        own = [host.name for host in document.hosts if _is_in(host.name, name)]
        assert len(own) == _counted(name)
        for scenario, cell in zip(SCENARIOS, cells.split(" | "), strict=True):
            runs = [r for r in document.runs if r.host in own and r.scenario == scenario]
            if not runs or {r.status for r in runs} != {"ok"}:
                continue
            steps = [step.status == "hit" for r in runs for step in r.steps if step.counts]
            assert units.percent(sum(steps) / len(steps)) in cell
            took = statistics.median(r.seconds for r in runs if r.seconds is not None)
            assert cell.endswith(units.seconds(took))


def _is_in(host: str, folded: str) -> bool:
    number = int(host.removeprefix("ci-"))
    inside = folded.removeprefix("ci-").strip("[]").split(",")
    ends = [part.split("-") for part in inside]
    return any(int(end[0]) <= number <= int(end[-1]) for end in ends)


def test_columns_of_a_table_add_up_to_the_hosts_that_built(
    shown: tuple[Document, Findings, str],
) -> None:
    document, _, text = shown
    for scenario, groups in _as_they_built(document).items():
        table = text.partition(f"<summary>{scenario}")[2].partition("</details>")[0]
        heads = re.search(r"^\| line \| step \| (.*) \|$", table, re.M)
        assert heads is not None
        assert sorted(map(_counted, heads[1].split(" | "))) == sorted(groups.values())
        for label, names in re.findall(r"^- (\w+ \(\d+\)) = (\S+)$", table, re.M):
            assert _counted(label) == _counted(names)


def test_the_places_where_hosts_differ_are_counted(shown: tuple[Document, Findings, str]) -> None:
    document, _, text = shown
    _, places = _apart(document)
    section = text.partition("<summary>Where hosts differ (")[2].partition("</details>")[0]
    assert section.startswith(f"{len(places)})")
    lines = [line for line in section.splitlines() if line.startswith("- ")]
    more = re.fullmatch(r"- and in (\d+) more places?", lines[-1])
    listed = len(lines) - bool(more)
    assert listed + int(more[1] if more else 0) == len(places)
    assert listed <= MAX_PLACES
    built = {run.host for run in document.runs}
    for line in lines[:listed]:
        sides = line.partition(": ci-")[2].split("; ")
        assert sum(_counted(side.rpartition(" ")[0]) for side in sides) <= len(built)


def test_what_a_cause_costs_is_what_its_steps_took(shown: tuple[Document, Findings, str]) -> None:
    document, findings, text = shown
    causes = [each for each in _causes(findings) if each.seconds]
    assert len(causes) == 4
    for cause in causes:
        places = {*cause.steps, *cause.consequences}
        took: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        missed: set[StepRef] = set()
        for run in document.runs:
            if run.host in cause.hosts and run.scenario in cause.scenarios:
                for step in run.steps:
                    if step.status == "miss" and StepRef.of(step.id) in places:
                        took[run.backend][run.host] += step.seconds or 0.0
                        missed.add(StepRef.of(step.id))
        most = {builder: max(hosts.values()) for builder, hosts in took.items()}
        assert cause.builder_seconds == pytest.approx(most)
        assert cause.seconds == pytest.approx(max(most.values()))
        assert {place for place in missed if place.index} == {p for p in places if p.index}
        least = min(each for hosts in took.values() for each in hosts.values())
        assert cause.least_seconds == pytest.approx(least)
        assert ("≤" in costs.brief(cause)) == (units.seconds(least) != units.seconds(cause.seconds))
        assert f"{costs.told(cause)}; {costs.steps(cause)}; on {fold(cause.hosts)}" in text


def test_the_steps_of_a_cause_are_the_different_ones_that_missed(
    shown: tuple[Document, Findings, str],
) -> None:
    """Each is counted once: as many as missed with one builder or with both, and not the sum."""
    document, findings, text = shown
    causes = [each for each in _causes(findings) if each.seconds]
    for cause in causes:
        places = {*cause.steps, *cause.consequences}
        missed: dict[str, set[StepRef]] = defaultdict(set)
        for run in document.runs:
            if run.host in cause.hosts and run.scenario in cause.scenarios:
                missed[run.backend] |= {
                    ref
                    for step in run.steps
                    if step.status == "miss"
                    and (ref := StepRef.of(step.id)) in places
                    and ref.index
                }
        told = costs.steps(cause)
        counted = [int(number) for number in re.findall(r"(\d+) (?:steps?|more)\b", told)]
        assert sum(counted) == len(set().union(*missed.values()))
        assert told.endswith(", with one builder or both") == (len(missed) > 1)
    assert any(costs.steps(cause).endswith("with one builder or both") for cause in causes)
    assert "counting both" not in text


def test_every_host_that_missed_an_unexplained_step_is_told_of(
    shown: tuple[Document, Findings, str],
) -> None:
    document, findings, _ = shown
    unanswered = [cause for cause in findings.unexplained if ", hit on " in cause.title]
    assert len(unanswered) == 3
    for cause in unanswered:
        (place,) = cause.steps
        did: dict[str, set[str]] = defaultdict(set)
        for run in document.runs:
            if run.scenario in cause.scenarios:
                for step in run.steps:
                    if StepRef.of(step.id) == place:
                        did[step.status].add(run.host)
        missed, hit, more = re.fullmatch(
            r"line .* missed on (.*), hit on (.*?)(?:; (.*) missed for \w+ causes?)?",
            cause.title,
        ).groups()  # type: ignore[union-attr]  # of none the test is to fail
        for told, hosts in ((missed, cause.hosts), (hit, did["hit"])):
            assert sum(map(_counted, re.split(", | and ", told))) == len(hosts)
        rest = did["miss"] - {*cause.hosts} - did["hit"]
        names = re.split(", | and ", more) if more else []
        assert rest == {*names} or more == str(len(rest))


def test_one_builders_seconds_are_not_told_as_those_of_both() -> None:
    cause = replace(why(ragged_fleet(60, 3)).findings[0], hosts=("ci-1",))
    assert costs.told(cause).startswith(
        "costs 7.0s with the legacy builder and 6.0s with BuildKit, once, paid by this audit: "
    )
    assert costs.most(cause) == "+7.0s with the legacy builder, once"
    assert costs.brief(cause) == "≤7.0s once, paid"
    alike = replace(cause, builder_seconds={"legacy": 7.0, "buildkit": 7.01})
    assert costs.told(alike).startswith("costs 7.0s with each builder, once, ")
    assert costs.most(alike) == "+7.0s once"
    alone = replace(cause, builder_seconds={})
    assert costs.told(alone).startswith("costs 7.0s once, paid by this audit: the same build ")
    assert costs.brief(alone) == "+7.0s once, paid"
