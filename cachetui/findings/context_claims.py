"""The claim that what an instruction sees of the context differs, which three rules make alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cachetui.findings.case import Case
from cachetui.findings.claim import Claim, answer
from cachetui.findings.context_differences import (
    ContextDifference,
    Kind,
    difference_since_before,
    differences_between_hosts,
)
from cachetui.findings.host_commands import HostCommand
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.suspect import Suspect


class ContextSuspect(Suspect, frozen=True):
    """What differs in the context of a host, beside the one that was sent."""

    host: str


def _paths(difference: ContextDifference) -> object:
    return difference.difference.paths


@dataclass(frozen=True)
class ContextClaim:
    """How a rule words a difference of its `kind`, `brief` in a few words, `shared_brief` where
    that is not the same on all hosts. `suspect` is what an
    experiment changes, `cause` what several lines that see it have in common, `commands` do what
    the advice says."""

    kind: Kind
    brief: Callable[[ContextDifference], str]
    shared_brief: str
    title: Callable[[ContextDifference], str]
    evidence: Callable[[Case, ContextDifference], Sequence[Evidence]]
    advice: Callable[[Case, ContextDifference], str]
    suspect: Callable[[ContextDifference], ContextSuspect]
    cause: Callable[[ContextDifference], object] = _paths
    commands: Callable[[Case, ContextDifference], tuple[HostCommand, ...]] = lambda *_: ()

    def explain(self, question: Question) -> Claim | None:
        """The answer to why a step missed: what it sees is not what it saw."""
        difference = difference_since_before(question)
        if difference is None or difference.kind != self.kind:
            return None
        return answer(
            question,
            title=self.title(difference),
            brief=self.brief(difference),
            shared_brief=self.shared_brief,
            confidence="proved" if difference.sure else "likely",
            evidence=self.evidence(question.case, difference),
            advice=self.advice(question.case, difference),
            suspect=self.suspect(difference),
            cause=self.cause(difference),
            commands=self.commands(question.case, difference),
        )

    def observe(self, case: Case) -> Iterator[Claim]:
        """Hosts whose own checkout is not like most."""
        for difference in differences_between_hosts(case):
            if difference.kind == self.kind:
                yield Claim(
                    title=self.title(difference),
                    brief=self.brief(difference),
                    shared_brief=self.shared_brief,
                    confidence="likely",
                    steps=(difference.step,),
                    evidence=tuple(self.evidence(case, difference)),
                    advice=self.advice(case, difference),
                    hosts=(difference.host,),
                    backends=(difference.backend,),
                    scenarios=(),
                    suspect=self.suspect(difference),
                    cause=self.cause(difference),
                    commands=self.commands(case, difference),
                )
