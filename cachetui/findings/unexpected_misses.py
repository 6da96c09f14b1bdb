"""The misses that need an explanation."""

from __future__ import annotations

from cachetui.findings.case import Case
from cachetui.findings.question import Question
from cachetui.records.run import Run
from cachetui.records.step import StepId

_Peers = dict[tuple[str, int, StepId], list[Run]]


def unexpected_misses(case: Case) -> tuple[Question, ...]:
    """The first misses of all runs that the scenario does not make miss, in the audit's order.

    Cold runs miss on purpose. A step that failed was not in the cache either, but why it failed
    is another question.
    """
    hits = _hits(case)
    misses: list[Question] = []
    for run in case.runs:
        if run.kind.cold or run.kind.shares:
            continue
        for chain in case.chains[run.id]:
            before = case.before(run, chain.cause.id) if run.kind.as_found else None
            alike = hits.get((run.scenario, run.repeat, chain.cause.id), ())
            peers = tuple(other for other in alike if other.host != run.host)
            misses.append(Question(case, chain, peers, before))
    return tuple(misses)


def _hits(case: Case) -> _Peers:
    """By scenario, repeat and step the runs in which it hit."""
    hits: _Peers = {}
    for run in case.runs:
        for step in run.steps:
            if step.status == "hit":
                hits.setdefault((run.scenario, run.repeat, step.id), []).append(run)
    return hits
