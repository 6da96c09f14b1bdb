"""Claims of single runs become findings: claims that agree across hosts become one finding."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace as replace_claim
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from cachetui.compare.align import order
from cachetui.findings.case import Case, in_order
from cachetui.findings.claim import HOSTS, LINES, Claim
from cachetui.findings.host_commands import shell_lines
from cachetui.findings.merge_evidence import merge_evidence, of_hosts
from cachetui.findings.miss_chains import Chain
from cachetui.findings.record import CONFIDENCES, Evidence, Finding, StepRef
from cachetui.findings.rule import Answer
from cachetui.findings.step_seconds import least_of_each, most_of_each_builder, seconds_of
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import join_names
from cachetui.records.backend import Backend
from cachetui.records.step import StepId

_Key = tuple[str, tuple[StepId, ...], str]


def merge_claims(case: Case, claims: Sequence[Answer]) -> tuple[Finding, ...]:
    """The findings, most costly first. A claim that was only observed joins one that answers a
    question about the same thing, and takes its confidence, unless that makes a host's surer."""
    groups: dict[tuple[_Key, str], list[Answer]] = {}
    for rule, claim in sorted(claims, key=lambda pair: pair[1].question is None):
        key, confidence = cause_of((rule, claim)), str(claim.confidence)
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
    _join_surer(groups)
    _join_steps(groups)
    findings = [_finding(case, members, key[1]) for key, members in groups.items()]
    findings.sort(key=lambda made: (-(made.seconds or 0.0), _rank(made.confidence), made.id))
    return tuple(_named(case, findings))


def _join_surer(groups: dict[tuple[_Key, str], list[Answer]]) -> None:
    """Of one cause, what is less sure of a host joins what is surer of the same host, and says so:
    it is proved with one builder, say, and likely with the other."""
    for (key, confidence), members in [*groups.items()]:
        if not members[0][1].one_cause:
            continue
        for surer in CONFIDENCES[: _rank(confidence)]:
            sure = groups.get((key, surer))
            if not sure:
                continue
            known = {host for _, claim in sure for host in claim.hosts}
            shown = {scenario for _, claim in sure for scenario in claim.scenarios}
            joining = [each for each in members if known.issuperset(each[1].hosts)]
            members = [each for each in members if not known.issuperset(each[1].hosts)]
            sure += [(rule, _less_sure(one, surer, confidence, shown)) for rule, one in joining]
        if members:
            groups[key, confidence] = members
        else:
            del groups[key, confidence]


def _join_steps(groups: dict[tuple[_Key, str], list[Answer]]) -> None:
    """Findings about several steps that have one cause become one."""
    causes = {
        place: {(host, repr(claim.cause)) for _, claim in members for host in claim.hosts}
        for place, members in groups.items()
        if all(claim.cause is not None for _, claim in members)
    }
    joined: list[tuple[_Key, str]] = []
    for place in sorted(causes, key=lambda place: -len(causes[place])):
        (rule, _, _), confidence = place
        for other in joined:
            alike = (other[0][0], other[1]) == (rule, confidence)
            if alike and causes[place] <= causes[other]:
                groups[other] += groups.pop(place)
                break
        else:
            joined.append(place)


def _less_sure(claim: Claim, surer: str, confidence: str, shown: Collection[str]) -> Claim:
    """The claim with a fact that says in which runs it is less sure."""
    there = [scenario for scenario in claim.scenarios if scenario not in shown]
    if not there:
        return claim
    text = f"{' and '.join(there)} on {HOSTS}: {confidence}, not {surer}"
    fact = Evidence(kind="run", text=text, hosts=claim.hosts)
    return replace_claim(claim, evidence=(*claim.evidence, fact))


def cause_of(answer: Answer) -> _Key:
    """What claims of one finding have in common, however sure each is."""
    rule, claim = answer
    return (rule.id, () if claim.one_cause else in_order(claim.steps), repr(claim.merge_key))


def _rank(confidence: str) -> int:
    return [str(word) for word in CONFIDENCES].index(confidence)


def _finding(case: Case, members: Sequence[Answer], confidence: str) -> Finding:
    rule = members[0][0]
    claims = [claim for _, claim in members]
    names = [host.name for host in case.document.hosts]
    hosts = sorted({h for c in claims for h in c.hosts}, key=lambda h: _place(names, h))
    steps = {s for c in claims for s in c.steps}
    below = {s for c in claims for s in c.consequences} - steps
    costs = _costs(claims)
    lines = shell_lines((command for c in claims for command in c.commands), names)
    return Finding(
        id=rule.id,
        name=rule.id,
        title=_with_lines(_told([(c.hosts, c.title) for c in claims], hosts), case, steps),
        confidence=next(word for word in CONFIDENCES if word == confidence),
        hosts=tuple(hosts),
        backends=tuple(sorted({b for c in claims for b in c.backends}, reverse=True)),
        scenarios=tuple(dict.fromkeys(s for c in claims for s in c.scenarios)),
        steps=tuple(StepRef.of(step) for step in in_order(steps)),
        consequences=tuple(dict.fromkeys(StepRef.of(s) for s in sorted(below, key=order))),
        seconds=max((cost for _, cost in costs if cost is not None), default=None),
        least_seconds=None if any(map(_is_most, claims)) else least_of_each(costs),
        builder_seconds=most_of_each_builder(costs),
        paid=claims[0].paid or rule.paid,
        brief=_with_lines(_brief(claims), case, steps),
        evidence=merge_evidence((c.evidence for c in claims), names, hosts),
        advice=_with_lines(
            _told([(c.hosts, c.advice) for c in claims], hosts, every=claims[0].one_cause),
            case,
            steps,
        ),
        commands=tuple(line.text for line in lines),
        platforms=_unless_empty(line.platform for line in lines),
        ways=_unless_empty(line.way for line in lines),
        choice=next((c.choice for c in claims if c.choice), ()),
        suspect=_suspect([c.suspect for c in claims if c.suspect is not None]),
    )


def _brief(claims: Sequence[Claim]) -> str:
    first = claims[0]
    alike = all(claim.brief == first.brief for claim in claims)
    return first.brief if alike or not first.shared_brief else first.shared_brief


def _unless_empty(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts, or none where all are empty."""
    told = tuple(texts)
    return told if any(told) else ()


def _suspect(suspects: Sequence[Suspect]) -> dict[str, Any]:
    """What an experiment changes: of one cause that several lines show, what all of them name."""
    first, *others = [to_builtins(suspect) for suspect in suspects] or [{}]
    for other in others:
        for name, value in other.items():
            if isinstance(value, dict) and other["kind"] == first["kind"]:
                first[name] = {**value, **first[name]}
    return dict(first)


def _with_lines(text: str, case: Case, steps: Iterable[StepId]) -> str:
    """The text with the lines of these steps, and verbs that agree with them."""
    lines = sorted({item.line for step in steps if (item := case.instruction(step)) is not None})
    if len(lines) == 1:
        return text.replace(LINES, f"line {lines[0]}")
    text = re.sub(rf"{LINES} (\w+)ies\b", rf"{LINES} \1y", text)
    text = re.sub(rf"{LINES} (\w+)s\b", rf"{LINES} \1", text)
    return text.replace(LINES, f"lines {join_names([str(line) for line in lines])}")


MAX_TEXTS = 3
"""Titles or pieces of advice that are given where they are not the same for all hosts."""


def _told(
    texts: Sequence[tuple[Sequence[str], str]], hosts: Sequence[str], every: bool = False
) -> str:
    """A text with its hosts; where that is not the same for all of them, each with its own. The
    first that a host is in is its text, or `every` one is."""
    by_host: dict[str, list[str]] = {}
    for own, text in texts:
        for host in own:
            told = by_host.setdefault(host, [])
            if not told or (every and text not in told):
                told.append(text)
    pieces: dict[str, list[str]] = {}
    for host in hosts:
        pieces.setdefault(_joined(by_host[host][:MAX_TEXTS]), []).append(host)
    if not pieces:
        return texts[0][1]
    everywhere = len(pieces) == 1
    filled = [
        of_hosts(text if everywhere or HOSTS in text else _inside(text), names, everywhere)
        for text, names in pieces.items()
    ]
    more = f"; and so on ({len(filled)} in all)" if len(filled) > MAX_TEXTS else ""
    return _joined(filled[:MAX_TEXTS]) + more


def _joined(texts: Sequence[str]) -> str:
    """The texts as one sentence."""
    return "; ".join([*texts[:1], *map(_inside, texts[1:])])


def _inside(text: str) -> str:
    """The text as it stands within a sentence: a first word with a capital of its own ("RUN",
    "BuildKit") keeps it."""
    return re.sub(r"\A[A-Z](?=[a-z]*(?:[^A-Za-z]|\Z))", lambda first: first[0].lower(), text)


def _is_most(claim: Claim) -> bool:
    """Whether its seconds are what that of several hosts pays that pays most."""
    return claim.question is None and claim.seconds is not None and len(claim.hosts) > 1


def _costs(claims: Iterable[Claim]) -> list[tuple[tuple[Backend, ...], float | None]]:
    """The seconds that each run pays, and its builder. The chains of a run that share one claim
    count once."""
    chains: dict[str, list[Chain]] = {}
    costs: list[tuple[tuple[Backend, ...], float | None]] = []
    for claim in claims:
        shared = claim.one_cause or claim.cause is not None
        if shared and claim.question is not None:
            chain = claim.question.chain
            chains.setdefault(chain.run.id, []).append(chain)
        else:
            costs.append((claim.backends, claim.seconds))
    for many in chains.values():
        steps = (step for chain in many for step in chain.steps)
        costs.append(((many[0].run.backend,), seconds_of(steps)))
    return costs


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
