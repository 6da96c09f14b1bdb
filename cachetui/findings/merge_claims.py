"""From claims of single runs to findings: what says the same of several hosts is one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import to_builtins

from cachetui.compare.align import order
from cachetui.findings.case import Case, in_order
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.miss_chains import Chain
from cachetui.findings.record import CONFIDENCES, Evidence, Finding, StepRef
from cachetui.findings.rule import Rule
from cachetui.findings.step_seconds import seconds_of
from cachetui.findings.wording import join_names
from cachetui.records.step import StepId

MOST_EVIDENCE = 12
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\d+\.\d+")

_Key = tuple[str, tuple[StepId, ...], str]


def merge_claims(case: Case, claims: Sequence[tuple[Rule, Claim]]) -> tuple[Finding, ...]:
    """The findings, most costly first. What was only observed joins what was asked about the
    same thing, and is then as sure as that."""
    groups: dict[tuple[_Key, str], list[tuple[Rule, Claim]]] = {}
    asked: dict[_Key, str] = {}
    for rule, claim in claims:
        if claim.question is not None:
            key = _key(rule, claim)
            asked.setdefault(key, claim.confidence)
            groups.setdefault((key, claim.confidence), []).append((rule, claim))
    for rule, claim in claims:
        if claim.question is None:
            key = _key(rule, claim)
            groups.setdefault((key, asked.get(key, claim.confidence)), []).append((rule, claim))
    made = [_finding(case, members, key[1]) for key, members in groups.items()]
    made.sort(key=lambda one: (-(one.seconds or 0.0), _rank(one.confidence), one.id))
    return tuple(_named(case, made))


def _key(rule: Rule, claim: Claim) -> _Key:
    return (rule.id, () if claim.one_per_run else in_order(claim.steps), repr(claim.merge_key))


def _rank(confidence: str) -> int:
    return [str(word) for word in CONFIDENCES].index(confidence)


def _finding(case: Case, members: Sequence[tuple[Rule, Claim]], confidence: str) -> Finding:
    rule, first = members[0]
    claims = [claim for _, claim in members]
    names = [host.name for host in case.document.hosts]
    hosts = sorted({h for c in claims for h in c.hosts}, key=lambda h: _place(names, h))
    title = next((c.title for c in claims if c.question is not None), first.title)
    steps = {s for c in claims for s in c.steps}
    below = {s for c in claims for s in c.consequences} - steps
    return Finding(
        id=rule.id,
        name=rule.id,
        title=title.replace(HOSTS, join_names(hosts)),
        confidence=next(word for word in CONFIDENCES if word == confidence),
        hosts=tuple(hosts),
        backends=tuple(sorted({b for c in claims for b in c.backends}, reverse=True)),
        scenarios=tuple(dict.fromkeys(s for c in claims for s in c.scenarios)),
        steps=tuple(StepRef.of(step) for step in in_order(steps)),
        consequences=tuple(dict.fromkeys(StepRef.of(s) for s in sorted(below, key=order))),
        seconds=_seconds(claims),
        evidence=_evidence(claims),
        advice=first.advice,
        suspect=next((to_builtins(c.suspect) for c in claims if c.suspect is not None), {}),
    )


def _seconds(claims: Iterable[Claim]) -> float | None:
    """What one run pays, where that is most; a run's chains that are told together count once."""
    chains: dict[str, list[Chain]] = {}
    found: list[float | None] = []
    for claim in claims:
        if claim.one_per_run and claim.question is not None:
            chain = claim.question.chain
            chains.setdefault(chain.run.id, []).append(chain)
        else:
            found.append(claim.seconds)
    found += [seconds_of(s for chain in many for s in chain.steps) for many in chains.values()]
    return max((one for one in found if one is not None), default=None)


def _evidence(claims: Iterable[Claim]) -> tuple[Evidence, ...]:
    """Each fact once, as far as there is room: what is told of several hosts in the same words
    is told of the first, and who else it holds for."""
    found: dict[str, Evidence] = {}
    also: dict[str, None] = {}
    told: set[str] = set()
    for claim in claims:
        for one in claim.evidence:
            if one.text in told:
                continue
            told.add(one.text)
            key = _TIME.sub("", one.text)
            for host in sorted(claim.hosts, key=len, reverse=True):
                key = re.sub(rf"(?<![\w-]){re.escape(host)}(?![\w-])", "@", key)
            if key not in found:
                found[key] = one
            elif one.text != found[key].text:
                also.update(dict.fromkeys(claim.hosts))
    kept = list(found.values())
    if len(kept) > MOST_EVIDENCE:
        more = len(kept) - MOST_EVIDENCE + 1
        kept = kept[: MOST_EVIDENCE - 1]
        kept.append(Evidence(kind="run", text=f"and {more} more of the kind"))
    if also:
        text = f"the same on {join_names(list(also))}"
        kept.append(Evidence(kind="run", text=text, data={"hosts": list(also)}))
    return tuple(kept)


def _place(names: Sequence[str], host: str) -> int:
    return names.index(host) if host in names else len(names)


def _named(case: Case, findings: Iterable[Finding]) -> list[Finding]:
    """Give each a name of its own: its rule, and where that is not enough the line and a number."""
    from msgspec.structs import replace

    found: list[Finding] = []
    taken: set[str] = set()
    for one in findings:
        line = ""
        if one.steps:
            instruction = case.instruction(StepId(one.steps[0].stage_index, one.steps[0].index))
            line = f":{instruction.line}" if instruction is not None else ""
        name, number = f"{one.id}{line}", 1
        while name in taken:
            number += 1
            name = f"{one.id}{line}-{number}"
        taken.add(name)
        found.append(replace(one, name=name))
    return found
