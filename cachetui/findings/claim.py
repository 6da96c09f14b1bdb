"""The claim that a rule makes of one run or host."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from cachetui.findings.host_commands import HostCommand
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence, Paid
from cachetui.findings.suspect import Suspect
from cachetui.records.backend import Backend
from cachetui.records.step import StepId

HOSTS = "\ue000"
"""In a claim's title and advice: replaced by the names of the hosts that the finding turns out to
hold for. In the text of evidence: by the hosts for which the fact turns out to hold. Where a text
has no place for them and does not hold for all hosts of the finding, their names go before it."""


LINES = "\ue001"
"""In a claim's title and advice: replaced by the lines of the finding's steps, "line 4" or "lines 4
and 8". A verb in -s that follows agrees with them."""


@dataclass(frozen=True)
class Claim:
    """What a rule says of one run or host; claims that agree become one finding.

    Claims agree when rule, steps, confidence and `merge_key` are equal. A fact of their evidence is
    one fact where kind, text and data are equal, so a text has `HOSTS` for its hosts' names, and
    values that can differ between hosts stand in it and in `data`. `question` is the
    question that the claim answers, None for one that was only observed. `one_cause` marks a
    claim whose cause is one for all lines and builders that show it, such as an image, a file or a
    cache: it is one finding by `merge_key`, whichever steps missed. `cause` is what claims at
    other steps may share: a finding about a step joins that of another where each of its hosts has
    the same cause there. `commands` do what the advice says, where that is done on hosts. `paid` is
    for a claim whose seconds are not paid when those of its rule are. `brief` is the title in about
    six words without hosts, whose names stand beside it; it can hold `LINES`.
    `shared_brief` stands in its place where the claims of one finding differ in it: where it names
    what changed, and that is not the same on all hosts. `choice` is as that of a finding.
    """

    title: str
    confidence: Confidence
    steps: tuple[StepId, ...]
    evidence: tuple[Evidence, ...]
    advice: str
    hosts: tuple[str, ...] = ()
    backends: tuple[Backend, ...] = ()
    scenarios: tuple[str, ...] = ()
    consequences: tuple[StepId, ...] = ()
    seconds: float | None = None
    paid: Paid | None = None
    brief: str = ""
    shared_brief: str = ""
    merge_key: object = None
    question: Question | None = None
    suspect: Suspect | None = None
    one_cause: bool = False
    cause: object = None
    commands: tuple[HostCommand, ...] = ()
    choice: tuple[str, ...] = ()


def answer(
    question: Question,
    *,
    title: str,
    brief: str = "",
    shared_brief: str = "",
    confidence: Confidence,
    evidence: Iterable[Evidence],
    advice: str,
    steps: tuple[StepId, ...] = (),
    merge_key: object = None,
    suspect: Suspect | None = None,
    one_cause: bool = False,
    cause: object = None,
    commands: tuple[HostCommand, ...] = (),
    choice: tuple[str, ...] = (),
    paid: Paid | None = None,
) -> Claim:
    """A claim that answers a question. `steps` are the causes where they are others than the step
    that missed first, which is a consequence then. What no host is given for, and is not about the
    Dockerfile or where a mechanism is written, is about the host of the question."""
    chain = question.chain
    causes = steps or (question.step.id,)
    return Claim(
        title=title,
        brief=brief,
        shared_brief=shared_brief,
        confidence=confidence,
        steps=causes,
        evidence=tuple(
            fact
            if fact.hosts or fact.kind in ("dockerfile", "source")
            else replace(fact, hosts=(chain.run.host,))
            for fact in evidence
        ),
        advice=advice,
        hosts=(chain.run.host,),
        backends=(chain.run.backend,),
        scenarios=(chain.run.scenario,),
        consequences=tuple(step.id for step in chain.steps if step.id not in causes),
        seconds=chain.seconds,
        merge_key=merge_key,
        question=question,
        suspect=suspect,
        one_cause=one_cause,
        cause=cause,
        commands=commands,
        choice=choice,
        paid=paid,
    )
