"""Claims of single runs become findings: claims that agree across hosts become one finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import to_builtins
from msgspec.structs import replace

from cachetui.compare.align import order
from cachetui.findings.case import Case, in_order
from cachetui.findings.claim import Claim
from cachetui.findings.merge_evidence import merge_evidence, of_hosts
from cachetui.findings.miss_chains import Chain
from cachetui.findings.record import CONFIDENCES, Finding, StepRef
from cachetui.findings.rule import Rule
from cachetui.findings.step_seconds import seconds_of
from cachetui.records.step import StepId

_Key = tuple[str, tuple[StepId, ...], str]


def merge_claims(case: Case, claims: Sequence[tuple[Rule, Claim]]) -> tuple[Finding, ...]:
    """The findings, most costly first. A claim that was only observed joins one that answers a
    question about the same thing, and takes its confidence, unless that makes a host's surer."""
    groups: dict[tuple[_Key, str], list[tuple[Rule, Claim]]] = {}
    for rule, claim in sorted(claims, key=lambda pair: pair[1].question is None):
        key, confidence = _key(rule, claim), str(claim.confidence)
        if claim.question is None:
            answers = {
                word: {host for _, one in groups[key, word] for host in one.hosts}
                for word in CONFIDENCES
                if (key, word) in groups and groups[key, word][0][1].question is not None
            }
            confidence = next(
                (
                    word
                    for word, hosts in answers.items()
                    if _rank(word) >= _rank(confidence) or hosts.issuperset(claim.hosts)
                ),
                confidence,
            )
        groups.setdefault((key, confidence), []).append((rule, claim))
    findings = [_finding(case, members, key[1]) for key, members in groups.items()]
    findings.sort(key=lambda made: (-(made.seconds or 0.0), _rank(made.confidence), made.id))
    return tuple(_named(case, findings))


def _key(rule: Rule, claim: Claim) -> _Key:
    return (rule.id, () if claim.one_per_run else in_order(claim.steps), repr(claim.merge_key))


def _rank(confidence: str) -> int:
    return [str(word) for word in CONFIDENCES].index(confidence)


def _finding(case: Case, members: Sequence[tuple[Rule, Claim]], confidence: str) -> Finding:
    rule = members[0][0]
    claims = [claim for _, claim in members]
    names = [host.name for host in case.document.hosts]
    hosts = sorted({h for c in claims for h in c.hosts}, key=lambda h: _place(names, h))
    steps = {s for c in claims for s in c.steps}
    below = {s for c in claims for s in c.consequences} - steps
    return Finding(
        id=rule.id,
        name=rule.id,
        title=_told([(c.hosts, c.title) for c in claims], hosts),
        confidence=next(word for word in CONFIDENCES if word == confidence),
        hosts=tuple(hosts),
        backends=tuple(sorted({b for c in claims for b in c.backends}, reverse=True)),
        scenarios=tuple(dict.fromkeys(s for c in claims for s in c.scenarios)),
        steps=tuple(StepRef.of(step) for step in in_order(steps)),
        consequences=tuple(dict.fromkeys(StepRef.of(s) for s in sorted(below, key=order))),
        seconds=_seconds(claims),
        evidence=merge_evidence((c.evidence for c in claims), names, hosts),
        advice=_told([(c.hosts, c.advice) for c in claims], hosts),
        suspect=next((to_builtins(c.suspect) for c in claims if c.suspect is not None), {}),
    )


MAX_TEXTS = 3
"""Titles or pieces of advice that are given where they are not the same for all hosts."""


def _told(texts: Sequence[tuple[Sequence[str], str]], hosts: Sequence[str]) -> str:
    """A text with its hosts; where that is not the same for all of them, each with its own. The
    first that a host is in is its text."""
    by_host: dict[str, str] = {}
    for own, text in texts:
        for host in own:
            by_host.setdefault(host, text)
    pieces: dict[str, list[str]] = {}
    for host in hosts:
        pieces.setdefault(by_host[host], []).append(host)
    if not pieces:
        return texts[0][1]
    everywhere = len(pieces) == 1
    filled = [of_hosts(text, names, everywhere) for text, names in pieces.items()]
    more = f"; and so on ({len(filled)} in all)" if len(filled) > MAX_TEXTS else ""
    return "; ".join(filled[:MAX_TEXTS]) + more


def _seconds(claims: Iterable[Claim]) -> float | None:
    """Seconds that one run pays, where that is most. The chains of a run that share one claim
    count once."""
    chains: dict[str, list[Chain]] = {}
    costs: list[float | None] = []
    for claim in claims:
        if claim.one_per_run and claim.question is not None:
            chain = claim.question.chain
            chains.setdefault(chain.run.id, []).append(chain)
        else:
            costs.append(claim.seconds)
    costs += [seconds_of(s for chain in many for s in chain.steps) for many in chains.values()]
    return max((cost for cost in costs if cost is not None), default=None)


def _place(names: Sequence[str], host: str) -> int:
    return names.index(host) if host in names else len(names)


def _named(case: Case, findings: Iterable[Finding]) -> list[Finding]:
    """Name each finding: its rule and line, and a number where that name is taken."""
    named: list[Finding] = []
    taken: set[str] = set()
    for finding in findings:
        line = ""
        if finding.steps:
            first = finding.steps[0]
            instruction = case.instruction(StepId(first.stage_index, first.index))
            line = f":{instruction.line}" if instruction is not None else ""
        name, number = f"{finding.id}{line}", 1
        while name in taken:
            number += 1
            name = f"{finding.id}{line}-{number}"
        taken.add(name)
        named.append(replace(finding, name=name))
    return named
