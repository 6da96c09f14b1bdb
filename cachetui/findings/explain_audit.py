"""Ask every rule, settle who is right, and say what stays unexplained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.apply_proofs import apply_proofs
from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.merge_claims import cause_of, merge_claims
from cachetui.findings.question import Question
from cachetui.findings.record import (
    CONFIDENCES,
    Findings,
    Proof,
)
from cachetui.findings.registry import RULES
from cachetui.findings.rule import Answer, Rule
from cachetui.findings.unexpected_misses import unexpected_misses
from cachetui.findings.unexplained import unanswered, undiscussed
from cachetui.records.digest import ValueHasher
from cachetui.records.document import Document
from cachetui.records.host import ForeignFile
from cachetui.records.step import StepId


def explain_audit(
    document: Document,
    *,
    dockerfile: Dockerfile,
    earlier: Sequence[Document] = (),
    manifests: Mapping[str, tuple[Entry, ...]] | None = None,
    outputs: Mapping[tuple[str, StepId], str] | None = None,
    foreign: Mapping[str, tuple[ForeignFile, ...]] | None = None,
    proofs: Iterable[Proof] = (),
    hasher: ValueHasher | None = None,
    rules: Sequence[Rule] = RULES,
) -> Findings:
    """Why the runs of an audit differ. Pure: the same arguments give the same answer.

    `earlier` are audits of a build of the same name, newest first; `manifests` the contexts by
    digest, `outputs` what steps made and `foreign` files of images that no context has (see
    `Case`), as far as any of it is known. `proofs` are experiments that were made for findings of
    this audit. Without a `hasher` no digest of a value is compared with a text.
    """
    case = Case(
        document,
        dockerfile,
        tuple(earlier),
        manifests or {},
        outputs or {},
        foreign or {},
        hasher or ValueHasher.for_once(),
    )
    claims: list[Answer] = []
    open_questions: list[tuple[Question, list[Answer]]] = []
    for question in unexpected_misses(case):
        answers = _answers(rules, question)
        kept = settle(answers)
        claims += kept
        if not kept:
            open_questions.append((question, answers))
    still_open = _by_shown_causes(claims, open_questions)
    for rule in rules:
        if rule.observe is not None:
            claims += [(rule, claim) for claim in rule.observe(case)]
    needs = [need for rule in rules if rule.ask is not None for need in rule.ask(case)]
    findings, withdrawn = apply_proofs(merge_claims(case, claims), proofs)
    unexplained = [*withdrawn, *unanswered(case, still_open)]
    unexplained += undiscussed(case, findings, unexplained)
    unexplained.sort(key=lambda one: -(one.seconds or 0.0))
    return Findings(
        findings=findings, unexplained=tuple(unexplained), needs=tuple(dict.fromkeys(needs))
    )


def _by_shown_causes(
    claims: list[Answer], open_questions: Sequence[tuple[Question, list[Answer]]]
) -> list[tuple[Question, list[Answer]]]:
    """Of several answers that are equally sure, the one whose cause is proved for the same host by
    another miss, with the other builder say, is added to the claims; returns the questions that
    stay open."""
    proved = {
        (cause_of(answer), host)
        for answer in claims
        if answer[1].confidence == "proved" and answer[1].one_cause
        for host in answer[1].hosts
    }
    still_open: list[tuple[Question, list[Answer]]] = []
    for question, answers in open_questions:
        shown = [one for one in answers if (cause_of(one), question.run.host) in proved]
        if len(shown) == 1:
            claims.append(shown[0])
        else:
            still_open.append((question, answers))
    return still_open


def _answers(rules: Sequence[Rule], question: Question) -> list[Answer]:
    """What rules say of the step that missed, and of the highest above it that changed: from
    there on the engine looked on another chain than that of the earlier run."""
    answers = [(rule, claim) for rule in rules if (claim := _answer(rule, question))]
    changed = [
        ancestor for ancestor in question.ancestors if ancestor.changes.inputs_unchanged is False
    ]
    if changed:
        top = ((rule, claim) for rule in rules if (claim := _answer(rule, changed[-1])))
        answers += [ancestor for ancestor in top if ancestor[1].confidence == "proved"]
    return answers or _of_sources(rules, question)


def _of_sources(rules: Sequence[Rule], question: Question) -> list[Answer]:
    """What rules say of the highest step that changed among those that the one which missed copies
    from: it hit, for another build had it. That it made other files is only likely."""
    changed = [one for one in question.builds_on if one.changes.inputs_unchanged is False]
    if not changed or question.changes.inputs_unchanged is False:
        return []
    top = ((rule, claim) for rule in rules if (claim := _answer(rule, changed[-1])))
    return [
        (rule, replace(claim, confidence="likely"))
        for rule, claim in top
        if claim.confidence == "proved"
    ]


def _answer(rule: Rule, question: Question) -> Claim | None:
    return rule.explain(question) if rule.explain is not None else None


def settle(answers: Sequence[Answer]) -> list[Answer]:
    """Of the answers to one question those that hold: all that are proved; else the surest, if
    it is alone. None when several are equally sure: never two causes that are not proved."""
    for confidence in CONFIDENCES:
        sure = [answer for answer in answers if answer[1].confidence == confidence]
        if confidence == "proved" and sure:
            return sure
        if sure:
            return sure if len(sure) == 1 else []
    return []
