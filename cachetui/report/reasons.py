"""Why runs differ, laid out for reading: how much is shown, and in which words.

All text is cleaned for display; nothing in it is escaped for a format.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cachetui.compare.groups import fold, fold_short
from cachetui.findings import Finding, Findings, Unexplained
from cachetui.findings.record import Need
from cachetui.findings.wording import host_names
from cachetui.report import costs, units
from cachetui.report.causes import Cause
from cachetui.report.clean import clean_line
from cachetui.report.shell import Typed
from cachetui.report.signs import CONFIDENCES

MAX_FINDINGS = 4
"""Findings that are shown unless asked otherwise: the most expensive ones."""

MAX_EVIDENCE = 4
"""Facts shown of each, unless all findings are asked for."""

MAX_ALL_EVIDENCE = 12
"""Facts shown of each then: a fact that differs between hosts is as many facts as values. The JSON
has all."""

MAX_COMMAND = 64_000
"""Characters of a command: it is shown whole, or cannot be typed."""

WHOLE = "All of these hosts, for -w"
"""What stands above `Reason.whole`."""

HEADING = "Why"
OTHERS = "Also found"
"""What tells of something else than why hosts differ, where they do."""

UNEXPLAINED = "Unexplained"
NEEDS = "To learn more"


@dataclass(frozen=True, slots=True)
class Reason:
    """A finding, or a difference that no rule explains.

    `name` is what `prove` takes, empty for what is unexplained. `facts` say how sure it is, what
    it costs in seconds, with its consequences, and where it holds. `evidence` is what it rests on;
    `hidden` is how many more facts there are. `whole` names every host as -w takes it, where
    `facts` name only the first; else it is empty. `commands` do what the advice says, each a line
    for a shell.
    """

    sign: str
    title: str
    name: str
    facts: tuple[str, ...]
    evidence: tuple[str, ...]
    hidden: int
    advice: str
    whole: str = ""
    commands: tuple[Typed, ...] = ()

    def with_evidence(self, most: int) -> Reason:
        """The same with at most so many facts."""
        hidden = self.hidden + max(0, len(self.evidence) - most)
        return replace(self, evidence=self.evidence[:most], hidden=hidden)


class Needed(NamedTuple):
    """What would tell more, and the command that does, or ""."""

    text: str
    command: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is shown of an audit's findings, and how many `more` there are. Where hosts differ
    (`apart`), `explained` are the causes of that, and `others` tell of something else."""

    explained: tuple[Reason, ...] = ()
    more: int = 0
    others: tuple[Reason, ...] = ()
    more_others: int = 0
    unexplained: tuple[Reason, ...] = ()
    more_unexplained: int = 0
    needs: tuple[Needed, ...] = ()
    apart: bool = False

    def __bool__(self) -> bool:
        return bool(self.explained or self.others or self.unexplained or self.needs)

    @property
    def sections(self) -> list[tuple[str, tuple[Reason, ...]]]:
        """(heading, reasons), empty ones left out."""
        every = (
            (HEADING, self.explained),
            (UNEXPLAINED, self.unexplained),
            (OTHERS, self.others),
        )
        return [section for section in every if section[1]]

    @property
    def rest(self) -> str:
        """How many are not shown, in a line; empty when all are."""
        parts = []
        if self.more:
            parts.append(units.count(self.more, "more cause" if self.apart else "more finding"))
        if self.more_others:
            parts.append(units.count(self.more_others, "other finding"))
        if self.more_unexplained:
            parts.append(f"{self.more_unexplained} more unexplained")
        told = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 2 else parts)
        return f"{told}, shown with the option --findings all" if parts else ""


NOTHING = Reasons()


def lay_out_findings(
    findings: Findings,
    limit: int | None = MAX_FINDINGS,
    causes: Collection[Cause] | None = None,
) -> Reasons:
    """The most expensive findings; with `limit` None all of them with more of their evidence, with
    0 none. `causes` are those of them that tell why hosts differ, which come first; None where
    hosts do not differ."""
    if limit == 0:
        return NOTHING
    told = {id(cause) for cause in causes or ()}
    first = [each for each in findings.findings if causes is None or id(each) in told]
    others = [each for each in findings.findings if causes is not None and id(each) not in told]
    open_first = sorted(findings.unexplained, key=lambda each: id(each) not in told)
    explained, unexplained = first[:limit], open_first[:limit]
    beside = others if limit is None else others[: limit - len(explained)]
    max_evidence = MAX_ALL_EVIDENCE if limit is None else MAX_EVIDENCE
    return Reasons(
        explained=tuple(_explained(finding, max_evidence) for finding in explained),
        more=len(first) - len(explained),
        others=tuple(_explained(finding, max_evidence) for finding in beside),
        more_others=len(others) - len(beside),
        unexplained=tuple(_unexplained(difference, max_evidence) for difference in unexplained),
        more_unexplained=len(findings.unexplained) - len(unexplained),
        needs=_needed(findings, limit),
        apart=causes is not None,
    )


def _needed(findings: Findings, limit: int | None) -> tuple[Needed, ...]:
    """What would tell more, a command once: below the last that it stands for. What would tell of
    a miss is left out where none is unexplained, unless all is asked for."""
    told = limit is not None and not findings.unexplained
    needs = [need for need in findings.needs if not (told and need.of_misses)][:limit]
    last = {need.command: need for need in needs}
    return tuple(
        Needed(
            clean_line(need.text),
            clean_line(need.command, MAX_COMMAND) if last[need.command] is need else "",
        )
        for need in needs
    )


def commands_of(reason: Finding | Unexplained, needs: Sequence[Need] = ()) -> tuple[Typed, ...]:
    """What to type, a line of a shell each, cleaned: to mend it, or for what is unexplained, what
    would tell more of it according to these `needs`."""
    if isinstance(reason, Finding):
        none = ("",) * len(reason.commands)
        ways = reason.ways or none
        told = zip(reason.commands, reason.platforms or none, ways, ("", *ways), strict=False)
        return tuple(
            Typed(
                clean_line(command, MAX_COMMAND),
                clean_line(platform),
                clean_line(way),
                told=bool(platform) and way == before,
            )
            for command, platform, way, before in told
        )
    more = learn_more(reason, needs)
    return typed_of(more) if more is not None else ()


def typed_of(need: Need) -> tuple[Typed, ...]:
    """The command that gets what would be needed, cleaned, where there is one."""
    return (Typed(clean_line(need.command, MAX_COMMAND)),) if need.command else ()


def learn_more(reason: Finding | Unexplained, needs: Sequence[Need]) -> Need | None:
    """What would tell more about what is unexplained: what one of its suspects needs, else what
    names its hosts or its step, else what a further audit tells; None for a finding, or where
    there is nothing of that."""
    if isinstance(reason, Finding):
        return None
    of_suspects = [need for need in needs if need.id in reason.suspects]
    about = (host_names(reason.hosts), reason.title.partition(" missed on ")[0])
    named = [need for need in needs if any(words in need.text for words in about)]
    later = [need for need in needs if need.of_misses and not need.first]
    return next(iter((*of_suspects, *named, *later)), None)


def to_learn_more(reason: Finding | Unexplained, needs: Sequence[Need]) -> tuple[str, ...]:
    """What would tell more about what is unexplained, and the command that does, cleaned; none
    where there is nothing of that."""
    need = learn_more(reason, needs)
    if need is None:
        return ()
    return (f"To learn more: {clean_line(need.text)}", *(one.text for one in typed_of(need)))


def _explained(finding: Finding, max_evidence: int) -> Reason:
    texts = [clean_line(evidence.text) for evidence in finding.evidence]
    return Reason(
        sign=CONFIDENCES[finding.confidence].sign,
        title=clean_line(finding.title),
        name=clean_line(finding.name),
        facts=(CONFIDENCES[finding.confidence].word, *_facts(finding, max_evidence)),
        evidence=tuple(texts[:max_evidence]),
        hidden=len(texts) - len(texts[:max_evidence]),
        advice=clean_line(finding.advice),
        commands=commands_of(finding),
        whole=_whole(finding, max_evidence),
    )


def _unexplained(difference: Unexplained, max_evidence: int) -> Reason:
    texts = [clean_line(fact.text) for fact in difference.facts]
    if difference.suspects:
        texts.insert(0, f"it could be {_any_of(difference.suspects)}; none of them is proved")
    return Reason(
        sign=CONFIDENCES["unexplained"].sign,
        title=clean_line(difference.title),
        name="",
        facts=_facts(difference, max_evidence),
        evidence=tuple(texts[:max_evidence]),
        hidden=len(texts) - len(texts[:max_evidence]),
        advice="",
        whole=_whole(difference, max_evidence),
    )


def _whole(reason: Finding | Unexplained, max_evidence: int) -> str:
    """Every host, where `_facts` leaves some out; else empty."""
    names = fold(reason.hosts)
    shown = max_evidence == MAX_ALL_EVIDENCE or names == fold_short(reason.hosts)
    return "" if shown else clean_line(names)


def _facts(reason: Finding | Unexplained, max_evidence: int) -> tuple[str, ...]:
    """What it costs and where it holds: ("costs 12.3s at every build", "1 step, and 7 more because
    of it", "on ci-3", …), every host by name where all evidence is asked for."""
    names = fold if max_evidence == MAX_ALL_EVIDENCE else fold_short
    facts = [cost] if (cost := costs.told(reason)) else []
    if reason.consequences:
        facts.append(costs.steps(reason))
    if reason.hosts:
        facts.append(f"on {clean_line(names(reason.hosts))}")
    if reason.scenarios:
        facts.append(f"in {', '.join(map(clean_line, reason.scenarios))}")
    return tuple(facts)


def _any_of(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
