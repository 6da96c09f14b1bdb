"""Which findings tell why hosts differ, and which tell something else: the one count of causes that
the headline, the app and CI show."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cachetui.compare.align import Agreement, Disagreement
from cachetui.findings import Finding, Findings
from cachetui.findings.record import StepRef, Unexplained
from cachetui.findings.registry import rule
from cachetui.records.run import Run

Cause = Finding | Unexplained


def parts_hosts(finding: Finding) -> bool:
    """Whether what it tells can make a build hit on one host and miss on another: not so of how
    the two builders differ on every host, say."""
    made = rule(finding.id)
    return made is None or made.parts_hosts


def places_of(run: Run, agreement: Agreement) -> list[Disagreement]:
    """Where the run is one of those that do not as most; where none is odd, all are."""
    return [
        place
        for place in agreement.disagreements
        if (run.scenario, run.repeat) == (place.scenario, place.repeat)
        and run.host in place.told_of
    ]


def causes_of(run: Run, findings: Findings, places: Sequence[Disagreement]) -> Sequence[Cause]:
    """What is found about the run where it does not as others: why its own step did not hit, or,
    where it did, why the others' did not."""
    told: list[Cause] = []
    for place in places:
        to_explain = _to_explain(place)
        if run.host in to_explain:
            told += _causes_at(place, (run.host,), findings)
        else:
            told += _causes_at(place, to_explain, findings)
    return _in_order(told, findings)


def causes_of_differences(findings: Findings, agreement: Agreement) -> list[Cause]:
    """Why hosts differ, the most costly first, and then what no rule explains of it. Where no two
    hosts were compared: why the one host missed, as far as that is proved or likely."""
    if not agreement.compared and not agreement.disagreements:
        return causes_of_misses(findings)
    told = [
        cause
        for place in agreement.disagreements
        for cause in _causes_at(place, _to_explain(place), findings)
    ]
    return _in_order(told, findings)


def causes_of_misses(findings: Findings) -> list[Cause]:
    """Why steps missed, whether or not hosts differ, as far as that is proved or likely, and what
    no rule explains."""
    every: list[Cause] = [*findings.findings, *findings.unexplained]
    return [
        cause for cause in every if not isinstance(cause, Finding) or cause.confidence != "possible"
    ]


def _to_explain(place: Disagreement) -> tuple[str, ...]:
    """The hosts of which to say why they do as they do there: those that did not hit where others
    did, else the odd ones, or all where none is odd."""
    missed = tuple(h for side in place.sides if side.status != "hit" for h in side.hosts)
    return missed if len(missed) < len(place.hosts) else place.told_of


def _causes_at(place: Disagreement, hosts: Collection[str], findings: Findings) -> list[Cause]:
    """What is found about these hosts at a place; of those that nothing is found of, what is
    unexplained. That a host cannot build at all has its reason in its run, and none among what is
    found about steps."""
    step = None if place.step is None else StepRef.of(place.step)
    found: list[Cause] = [
        finding
        for finding in findings.findings
        if _is_there(finding, place.scenario, step, hosts)
        and parts_hosts(finding)
        and not (place.is_of_builders and finding.steps)
    ]
    left = {*hosts}.difference(*(cause.hosts for cause in found))
    unexplained = (
        each for each in findings.unexplained if _is_there(each, place.scenario, step, left)
    )
    return [*found, *unexplained] if left else found


def _is_there(cause: Cause, scenario: str, step: StepRef | None, hosts: Collection[str]) -> bool:
    """As `is_about`, of any of the hosts; a `step` of None is all that happened there."""
    return (
        scenario in cause.scenarios
        and (step is None or step in cause.steps or step in cause.consequences)
        and not {*cause.hosts}.isdisjoint(hosts)
    )


def _in_order(causes: Sequence[Cause], findings: Findings) -> list[Cause]:
    """Each once, in the order of the findings."""
    told = {id(cause) for cause in causes}
    every: list[Cause] = [*findings.findings, *findings.unexplained]
    return [cause for cause in every if id(cause) in told]
