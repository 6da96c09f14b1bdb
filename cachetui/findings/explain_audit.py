"""Ask every rule, settle who is right, and say what stays unexplained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cachetui.compare.align import Disagreement, agree, order
from cachetui.context.build_context import Entry
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.apply_proofs import apply_proofs
from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.host_differences import host_differences
from cachetui.findings.merge_claims import merge_claims
from cachetui.findings.question import Question
from cachetui.findings.record import (
    CONFIDENCES,
    Evidence,
    Finding,
    Findings,
    Need,
    Proof,
    StepRef,
    Unexplained,
)
from cachetui.findings.registry import RULES
from cachetui.findings.rule import Rule
from cachetui.findings.unexpected_misses import unexpected_misses
from cachetui.findings.wording import join_names
from cachetui.records.document import Document
from cachetui.records.scenario import Scenario
from cachetui.records.step import StepId

Asked = tuple[Rule, Claim]


def explain_audit(
    document: Document,
    *,
    dockerfile: Dockerfile,
    earlier: Sequence[Document] = (),
    manifests: Mapping[str, tuple[Entry, ...]] | None = None,
    outputs: Mapping[tuple[str, StepId], str] | None = None,
    proofs: Iterable[Proof] = (),
    rules: Sequence[Rule] = RULES,
) -> Findings:
    """Why the runs of an audit differ. Pure: the same arguments give the same answer.

    `earlier` are audits of a build of the same name, newest first; `manifests` the contexts by
    digest, `outputs` what steps made (see `Case`), as far as any of it is known. `proofs` are
    experiments that were made for findings of this audit.
    """
    case = Case(document, dockerfile, tuple(earlier), manifests or {}, outputs or {})
    claims: list[Asked] = []
    open_questions: list[tuple[Question, list[Asked]]] = []
    for question in unexpected_misses(case):
        answers = _answers(rules, question)
        kept = settle(answers)
        claims += kept
        if not kept:
            open_questions.append((question, answers))
    for rule in rules:
        if rule.observe is not None:
            claims += [(rule, claim) for claim in rule.observe(case)]
    needs = [need for rule in rules if rule.ask is not None for need in rule.ask(case)]
    findings, withdrawn = apply_proofs(merge_claims(case, claims), proofs)
    unexplained = [*withdrawn, *_open(case, open_questions)]
    unexplained += _uncovered(case, findings, unexplained)
    return Findings(findings=findings, unexplained=tuple(unexplained), needs=_once(needs))


def _answers(rules: Sequence[Rule], question: Question) -> list[Asked]:
    """What rules say of the step that missed, and of the highest above it that changed: from
    there on the engine looked on another chain than that of the earlier run."""
    found = [(rule, claim) for rule in rules if (claim := _asked(rule, question))]
    changed = [one for one in question.ancestors if one.changes.inputs_unchanged is False]
    if changed:
        top = ((rule, claim) for rule in rules if (claim := _asked(rule, changed[-1])))
        found += [one for one in top if one[1].confidence == "proved"]
    return found


def _asked(rule: Rule, question: Question) -> Claim | None:
    return rule.explain(question) if rule.explain is not None else None


def settle(answers: Sequence[Asked]) -> list[Asked]:
    """Of the answers to one question those that hold: all that are proved; else the surest, if
    it is alone. None when several are equally sure: never two causes that are not proved."""
    for confidence in CONFIDENCES:
        found = [one for one in answers if one[1].confidence == confidence]
        if confidence == "proved" and found:
            return found
        if found:
            return found if len(found) == 1 else []
    return []


def _open(case: Case, questions: Sequence[tuple[Question, list[Asked]]]) -> list[Unexplained]:
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


def _uncovered(
    case: Case, findings: Sequence[Finding], unexplained: Sequence[Unexplained]
) -> list[Unexplained]:
    """Where hosts part ways and nothing said so far is about it."""
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


def _once(needs: Iterable[Need]) -> tuple[Need, ...]:
    return tuple(dict.fromkeys(needs))
