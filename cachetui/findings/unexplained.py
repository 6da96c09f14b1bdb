"""What no finding explains: questions without an answer, and disagreements of hosts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from cachetui.compare.align import Disagreement, agree, order
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.host_differences import host_differences
from cachetui.findings.merge_evidence import merge_evidence
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence, Finding, StepRef, Unexplained
from cachetui.findings.rule import Answer
from cachetui.findings.step_seconds import least_of_each, most_of_each_builder
from cachetui.findings.wording import MOST_NAMES, host_names
from cachetui.records.scenario import Scenario
from cachetui.records.step import StepId


def unanswered(case: Case, questions: Sequence[tuple[Question, list[Answer]]]) -> list[Unexplained]:
    """Questions without an answer, those of one step together: what hosts missed with both
    builders is one miss."""
    groups: dict[tuple[StepId, str, tuple[str, ...], bool], list[Question]] = {}
    for question, answers in questions:
        suspects = tuple(sorted({rule.id for rule, _ in answers}))
        key = (question.step.id, question.run.scenario, suspects, bool(question.peers))
        groups.setdefault(key, []).append(question)
    of_step: dict[tuple[StepId, tuple[str, ...], bool], list[list[Question]]] = {}
    asked_of: dict[StepId, set[str]] = {}
    for (step, _, suspects, with_peers), members in groups.items():
        asked_of.setdefault(step, set()).update(_hosts(members))
        found = of_step.setdefault((step, suspects, with_peers), [])
        same = next((one for one in found if _is_one_miss(one, members)), None)
        if same is None:
            found.append(list(members))
        else:
            same += members
    return [
        _unexplained(case, members, suspects, asked_of[step])
        for (step, suspects, _), several in of_step.items()
        for members in several
    ]


def _is_one_miss(one: Sequence[Question], other: Sequence[Question]) -> bool:
    """Whether hosts missed in both, and none that missed in one hit in the other."""
    missed = [_hosts(questions) for questions in (one, other)]
    hit = {*_peers(one), *_peers(other)}
    return not {*missed[0]}.isdisjoint(missed[1]) and hit.isdisjoint((*missed[0], *missed[1]))


def _hosts(questions: Sequence[Question]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(question.run.host for question in questions))


def _peers(questions: Sequence[Question]) -> tuple[str, ...]:
    several = {id(question.peers): question.peers for question in questions}.values()
    return tuple(dict.fromkeys(peer.host for peers in several for peer in peers))


def _others(case: Case, members: Sequence[Question], said: Set[str]) -> str:
    """Who missed the step in these scenarios too, for what is told elsewhere: a miss above it, or
    a cause that is known. `said` are those of whom it is not known, or who hit."""
    scenarios = {question.run.scenario for question in members}
    step = members[0].step.id
    missed = {
        run.host
        for run in case.runs
        if run.scenario in scenarios
        for each in run.steps
        if each.id == step and each.status == "miss"
    }
    rest = [host.name for host in case.document.hosts if host.name in missed - said]
    if not rest:
        return ""
    whom = host_names(rest) if len(rest) <= MOST_NAMES else str(len(rest))
    return f"; {whom} missed for {'another cause' if len(rest) == 1 else 'other causes'}"


def _unexplained(
    case: Case, members: Sequence[Question], suspects: tuple[str, ...], asked: Set[str]
) -> Unexplained:
    """What is known of one miss on all its hosts, in all its scenarios. `asked` are the hosts of
    which it is not known why they missed the step."""
    hosts, peers = _hosts(members), _peers(members)
    costs = [((question.run.backend,), question.chain.seconds) for question in members]
    below = {s.id for question in members for s in question.chain.consequences}
    step = members[0].step.id
    beside = f", hit on {host_names(peers)}" if peers else ""
    return Unexplained(
        title=f"{case.line(step)} missed on {host_names(hosts)}{beside}"
        f"{_others(case, members, {*asked, *peers})}",
        brief=f"{case.line(step).partition(':')[0]} missed, not known why",
        hosts=hosts,
        backends=tuple(dict.fromkeys(question.run.backend for question in members)),
        scenarios=tuple(dict.fromkeys(question.run.scenario for question in members)),
        steps=(StepRef.of(step),),
        consequences=tuple(StepRef.of(s) for s in sorted(below, key=order)),
        seconds=max((cost for _, cost in costs if cost is not None), default=None),
        least_seconds=least_of_each(costs),
        builder_seconds=most_of_each_builder(costs),
        facts=host_differences(case, hosts, peers, members),
        suspects=suspects,
    )


def undiscussed(
    case: Case, findings: Sequence[Finding], unexplained: Sequence[Unexplained]
) -> list[Unexplained]:
    """Where hosts disagree and nothing said so far is about it; not that some lack a builder, or
    what an import takes: the reason stands in their runs."""
    more: list[Unexplained] = []
    for disagreement in agree(case.document).disagreements:
        if disagreement.is_of_builders:
            continue
        if Scenario.of(disagreement.scenario).shares:
            continue  # what a cache kept is in the document's `share`
        discussed: list[Finding | Unexplained] = [*findings, *unexplained, *more]
        hosts = {*disagreement.hosts}
        if any(_about(subject, disagreement, hosts) for subject in discussed):
            continue
        sides = ", ".join(
            f"{side.status} on {host_names(side.hosts)}" for side in disagreement.sides
        )
        subject = case.line(disagreement.step) if disagreement.step is not None else "the run"
        odd = disagreement.told_of
        told = {*odd}
        rest = tuple(host for host in disagreement.hosts if host not in told)
        more.append(
            Unexplained(
                title=f"{subject}: {sides}",
                hosts=odd,
                backends=(Scenario.of(disagreement.scenario).backend,),
                scenarios=(disagreement.scenario,),
                steps=(StepRef.of(disagreement.step),) if disagreement.step is not None else (),
                facts=merge_evidence(
                    [[reason] for reason in _reasons(case, disagreement, hosts)],
                    [host.name for host in case.document.hosts],
                    odd,
                )
                + host_differences(case, odd, rest, ()),
            )
        )
    return more


def _reasons(case: Case, disagreement: Disagreement, hosts: Set[str]) -> Iterator[Evidence]:
    """Why runs failed, where hosts disagree in how a run ended."""
    for run in case.document.runs:
        if run.status == "ok" or not run.reason:
            continue
        same = (run.scenario, run.repeat) == (disagreement.scenario, disagreement.repeat)
        if same and run.host in hosts:
            yield Evidence(
                kind="run", text=f"{HOSTS}: {run.reason}", hosts=(run.host,), runs=(run.id,)
            )


def _about(said: Finding | Unexplained, disagreement: Disagreement, hosts: Set[str]) -> bool:
    """Whether something said is about this disagreement: its scenario, step and a host of it."""
    if disagreement.scenario not in said.scenarios:
        return False
    if hosts.isdisjoint(said.hosts):
        return False
    if disagreement.step is None:
        return not said.steps or isinstance(said, Finding)
    return StepRef.of(disagreement.step) in (*said.steps, *said.consequences)
