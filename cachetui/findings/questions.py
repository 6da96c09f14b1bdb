"""Which misses somebody would wonder about."""

from __future__ import annotations

from cachetui.findings.case import Case
from cachetui.findings.rule import Question
from cachetui.record import Run


def questions(case: Case) -> tuple[Question, ...]:
    """The first misses of all runs that were not meant to miss, in the audit's order.

    Cold runs miss on purpose. A step that failed was not in the cache either, but why it failed
    is another question.
    """
    found: list[Question] = []
    for run in case.runs:
        if run.scenario.endswith("-cold"):
            continue
        before = case.before(run) if run.scenario.endswith("-as-found") else None
        for chain in case.chains[run.id]:
            step = chain.cause.id
            peers = tuple(other for other in _alike(case, run) if _hit(other, step))
            found.append(Question(case, chain, peers, before))
    return tuple(found)


def _alike(case: Case, run: Run) -> list[Run]:
    """Runs of other hosts that are like to compare."""
    return [
        other
        for other in case.runs
        if other.host != run.host and (other.scenario, other.repeat) == (run.scenario, run.repeat)
    ]


def _hit(run: Run, step: object) -> bool:
    return any(one.id == step and one.status == "hit" for one in run.steps)
