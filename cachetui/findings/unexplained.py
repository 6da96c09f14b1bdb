"""What no finding explains: questions without an answer, and disagreements of hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.compare.align import Disagreement, agree, order
from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.host_differences import host_differences
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence, Finding, StepRef, Unexplained
from cachetui.findings.rule import Rule
from cachetui.findings.wording import join_names
from cachetui.records.scenario import Scenario
from cachetui.records.step import StepId

Answer = tuple[Rule, Claim]
"""A claim, and the rule that makes it."""


def unanswered(case: Case, questions: Sequence[tuple[Question, list[Answer]]]) -> list[Unexplained]:
    """Questions without an answer, those of one step and scenario together."""
    groups: dict[tuple[StepId, str, tuple[str, ...], bool], list[Question]] = {}
    for question, answers in questions:
        suspects = tuple(sorted({rule.id for rule, _ in answers}))
        key = (question.step.id, question.run.scenario, suspects, bool(question.peers))
        groups.setdefault(key, []).append(question)
    found: list[Unexplained] = []
    for (_, scenario, suspects, _), members in groups.items():
        hosts = tuple(dict.fromkeys(one.run.host for one in members))
        peers = tuple(dict.fromkeys(peer.host for one in members for peer in one.peers))
        first = members[0]
        seconds = [one.chain.seconds for one in members if one.chain.seconds is not None]
        below = {s.id for one in members for s in one.chain.consequences}
        what = case.line(first.step.id)
        beside = f", hit on {join_names(peers)}" if peers else ""
        found.append(
            Unexplained(
                title=f"{what} missed on {join_names(hosts)}{beside}",
                hosts=hosts,
                backends=(first.run.backend,),
                scenarios=(scenario,),
                steps=(StepRef.of(first.step.id),),
                consequences=tuple(StepRef.of(s) for s in sorted(below, key=order)),
                seconds=max(seconds, default=None),
                facts=host_differences(case, hosts, peers, first),
                suspects=suspects,
            )
        )
    return found


def undiscussed(
    case: Case, findings: Sequence[Finding], unexplained: Sequence[Unexplained]
) -> list[Unexplained]:
    """Where hosts disagree and nothing said so far is about it."""
    found: list[Unexplained] = []
    for one in agree(case.document).disagreements:
        said: list[Finding | Unexplained] = [*findings, *unexplained, *found]
        if any(_about(what, one) for what in said):
            continue
        sides = ", ".join(f"{side.status} on {join_names(side.hosts)}" for side in one.sides)
        what = case.line(one.step) if one.step is not None else "the run"
        odd = one.odd or tuple(h for side in one.sides for h in side.hosts)
        rest = tuple(h for side in one.sides for h in side.hosts if h not in odd)
        found.append(
            Unexplained(
                title=f"{what}: {sides}",
                hosts=odd,
                backends=(Scenario.of(one.scenario).backend,),
                scenarios=(one.scenario,),
                steps=(StepRef.of(one.step),) if one.step is not None else (),
                facts=(*_reasons(case, one), *host_differences(case, odd, rest, None)),
            )
        )
    return found


def _reasons(case: Case, one: Disagreement) -> Iterator[Evidence]:
    """Why runs failed, where that is what hosts part ways in."""
    hosts = {host for side in one.sides for host in side.hosts}
    for run in case.document.runs:
        same = (run.scenario, run.repeat) == (one.scenario, one.repeat)
        if same and run.host in hosts and run.status != "ok" and run.reason:
            yield Evidence(kind="run", text=f"{run.host}: {run.reason}")


def _about(what: Finding | Unexplained, one: Disagreement) -> bool:
    """Whether something said is about this disagreement: its scenario, step and a host of it."""
    if one.scenario not in what.scenarios:
        return False
    hosts = {host for side in one.sides for host in side.hosts}
    if hosts.isdisjoint(what.hosts):
        return False
    if one.step is None:
        return not what.steps or isinstance(what, Finding)
    return StepRef.of(one.step) in (*what.steps, *what.consequences)
