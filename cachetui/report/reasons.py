"""Why runs differ, laid out for reading: how much is said, and in which words.

All text is cleaned for display; nothing in it is escaped for a format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.groups import fold
from cachetui.findings import Finding, Findings, Unexplained
from cachetui.report import units
from cachetui.report.clean import clean_line

MOST = 3
"""Findings that are told unless asked otherwise: those that cost most."""

MOST_EVIDENCE = 4
"""Facts told of each, unless all is asked for."""

HEADING = "Why"
UNEXPLAINED = "Unexplained"


@dataclass(frozen=True, slots=True)
class Reason:
    """A finding, or what stays unexplained.

    `name` is what `prove` takes, empty for what is unexplained; `sure` how sure it is ("proved");
    `cost` the seconds of the cause with its consequences, `facts` who and where, `evidence` what
    it rests on, `hidden` how many more facts there are.
    """

    title: str
    name: str
    sure: str
    cost: str
    facts: str
    evidence: tuple[str, ...]
    hidden: int
    advice: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """What is told of an audit's findings, and how many `more` there are."""

    told: tuple[Reason, ...] = ()
    more: int = 0
    unexplained: tuple[Reason, ...] = ()
    more_unexplained: int = 0
    needs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.told or self.unexplained or self.needs)

    @property
    def rest(self) -> str:
        """What is not told, in a line; empty when all is."""
        parts = []
        if self.more:
            parts.append(units.count(self.more, "more finding"))
        if self.more_unexplained:
            parts.append(f"{self.more_unexplained} more unexplained")
        return f"{' and '.join(parts)}: --findings all shows them" if parts else ""


NOTHING = Reasons()


def lay_out(findings: Findings, most: int | None = MOST) -> Reasons:
    """The most costly findings, `most` None for all with all their evidence, 0 for none."""
    if most == 0:
        return NOTHING
    told, left = findings.findings[:most], findings.unexplained[:most]
    facts = None if most is None else MOST_EVIDENCE
    return Reasons(
        told=tuple(_reason(one, facts) for one in told),
        more=len(findings.findings) - len(told),
        unexplained=tuple(_open(one, facts) for one in left),
        more_unexplained=len(findings.unexplained) - len(left),
        needs=tuple(clean_line(need.text) for need in findings.needs[:most]),
    )


def _reason(one: Finding, facts: int | None) -> Reason:
    texts = [clean_line(evidence.text) for evidence in one.evidence]
    return Reason(
        title=clean_line(one.title),
        name=clean_line(one.name),
        sure=one.confidence,
        cost=units.seconds(one.seconds) if one.seconds is not None else "",
        facts=_where(one),
        evidence=tuple(texts[:facts]),
        hidden=len(texts) - len(texts[:facts]),
        advice=clean_line(one.advice),
    )


def _open(one: Unexplained, facts: int | None) -> Reason:
    texts = [clean_line(evidence.text) for evidence in one.facts]
    if one.suspects:
        texts.insert(0, f"it could be {_any(one.suspects)}; none of them is proved")
    return Reason(
        title=clean_line(one.title),
        name="",
        sure="unexplained",
        cost=units.seconds(one.seconds) if one.seconds is not None else "",
        facts=_where(one),
        evidence=tuple(texts[:facts]),
        hidden=len(texts) - len(texts[:facts]),
        advice="",
    )


def _where(one: Finding | Unexplained) -> str:
    """ "1 cause, 7 consequences; on ci-3; in legacy-as-found"."""
    parts = []
    if one.consequences:
        causes = units.count(len(one.steps), "cause")
        parts.append(f"{causes}, {units.count(len(one.consequences), 'consequence')}")
    if one.hosts:
        parts.append(f"on {clean_line(fold(one.hosts))}")
    if one.scenarios:
        parts.append(f"in {', '.join(map(clean_line, one.scenarios))}")
    return "; ".join(parts)


def _any(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
