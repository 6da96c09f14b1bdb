"""The runs that show a finding, beside one that does not have it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cachetui.compare.align import by_scenario, compares
from cachetui.findings.record import Evidence, Finding, StepRef, Unexplained
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

MOST = 8
"""Runs that are shown side by side."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """`runs` show the finding; the first is the baseline where there are several. `step` is the
    step to look at, None where the finding is about none."""

    runs: tuple[Run, ...]
    step: StepId | None


def runs_concerned(document: Document, reason: Finding | Unexplained) -> Concerned:
    """The runs to open for a finding.

    The baseline is a run of the same scenario on another host in which the first cause hit; hosts
    and runs that the evidence names come first, and last the finding's own: it can tell of each at
    another step. A cause that cannot hit, as a FROM, shows in the
    first step below it that does. Without such a run: one in which the step ended otherwise, or
    one that the finding's timings compare with, else the concerned run alone: two runs that do
    not differ show nothing.
    """
    runs = [run for run in document.runs if run.backend in reason.backends and run.steps]
    runs = [run for run in runs if run.scenario in reason.scenarios] or runs
    own = [run for run in runs if run.host in reason.hosts]
    others = sorted(
        (run for run in runs if run.host not in reason.hosts), key=_likeness_to_evidence(reason)
    )
    for is_baseline, baselines in ((_hit, [*others, *own]), (_ended, others)):
        for place in _places(reason):
            for baseline in baselines:
                found = _beside(baseline, own, place, is_baseline)
                if found is not None:
                    return found
    return _without_baseline(reason, own, others)


def _without_baseline(
    reason: Finding | Unexplained, own: Sequence[Run], others: Sequence[Run]
) -> Concerned:
    """The runs to open where none ended otherwise: see `runs_concerned`."""
    step = StepId(reason.steps[0].stage_index, reason.steps[0].index) if reason.steps else None
    run = min(own, key=lambda run: not (run.kind.as_found or run.kind.cold), default=None)
    if run is None:
        return Concerned((), step)
    timed = {host for fact in _facts(reason) if fact.kind == "timing" for host in fact.hosts}
    for peer in others:
        if peer.host in timed and by_scenario(peer) == by_scenario(run):
            alike = [one for one in own if by_scenario(one) == by_scenario(run)]
            return Concerned((peer, *alike)[:MOST], step)
    return Concerned((run,), step)


_Place = Callable[[Step], bool]


def _places(reason: Finding | Unexplained) -> Iterator[_Place]:
    """Where the finding may show, the best place first: a cause, a consequence, or what stands
    below the first cause in its stage."""
    refs = [*reason.steps, *reason.consequences]
    yield from map(_at, refs)
    if refs:
        first = refs[0]
        yield lambda step: step.stage_index == first.stage_index and step.index > first.index


def _at(ref: StepRef) -> _Place:
    return lambda step: StepRef.of(step.id) == ref


def _beside(
    baseline: Run, own: Sequence[Run], place: _Place, is_baseline: Callable[[Step], bool]
) -> Concerned | None:
    """The concerned runs in which a step of this place ended otherwise than in the baseline."""
    for step in baseline.steps:
        if not (place(step) and compares(step) and is_baseline(step)):
            continue
        shown = [
            run for run in own if by_scenario(run) == by_scenario(baseline) and _differs(run, step)
        ]
        if shown:
            return Concerned((baseline, *shown)[:MOST], step.id)
    return None


def _differs(run: Run, from_step: Step) -> bool:
    step = next((step for step in run.steps if step.id == from_step.id), None)
    return step is not None and compares(step) and step.status != from_step.status


def _hit(step: Step) -> bool:
    return step.status == "hit"


def _ended(step: Step) -> bool:
    return step.status in ("miss", "failed")


def _facts(reason: Finding | Unexplained) -> Sequence[Evidence]:
    return reason.evidence if isinstance(reason, Finding) else reason.facts


def _likeness_to_evidence(reason: Finding | Unexplained) -> Callable[[Run], int]:
    """A sort key: runs that the evidence names, then hosts that it names, then the others."""
    facts = _facts(reason)
    runs = {run for fact in facts for run in fact.runs}
    hosts = {host for fact in facts for host in fact.hosts}
    return lambda run: 0 if run.id in runs else 1 if run.host in hosts else 2
