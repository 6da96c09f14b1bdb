"""A run on one time axis: what ran side by side, what waited for what, what decided the time.

Dependencies come from the Dockerfile (the order within a stage, FROM a stage, COPY --from, RUN
--mount=from=), times from the run. Output out of order is parallel work: `EarlyStart` says why a
step was free to start before one that the Dockerfile names earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cachetui.compare.align import order
from cachetui.dockerfile.parse import Dockerfile, Stage, instruction_needs
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

CLOCK = 0.05
"""Seconds within which two starts count as one: printed times are no finer."""

Needs = dict[StepId, tuple[StepId, ...]]
"""The steps that each step builds on directly."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step on the axis. `start` and `end` are seconds since the run began.

    `lane` counts from 0: bars of one lane do not overlap. `needs` are the steps it waited for,
    of those that have a bar; `waited` is the seconds between the last of them ending (or the
    run's beginning) and its own start, 0 when it did not wait.
    """

    step: Step
    start: float
    end: float
    lane: int
    needs: tuple[StepId, ...]
    waited: float
    critical: bool


@dataclass(frozen=True, slots=True)
class EarlyStart:
    """`step` started before `overtaken`, all of one stage and named earlier; `reason` says why
    it could. Names in `reason` are as written in the Dockerfile, not cleaned."""

    step: StepId
    overtaken: tuple[StepId, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run's bars in the order of the Dockerfile; steps that nothing timed are in `untimed`.

    `wall` is the seconds of the axis. `critical` is the chain of steps that decided when the
    run ended or failed, first to last; they were at work for `critical_seconds`, which is
    `share` of the wall time (None when there is none). `lanes` is how many ran at once at most.
    """

    bars: tuple[Bar, ...]
    untimed: tuple[Step, ...]
    wall: float
    lanes: int
    critical: tuple[StepId, ...]
    critical_seconds: float
    share: float | None
    early: tuple[EarlyStart, ...]


def timeline(run: Run, dockerfile: Dockerfile | None) -> Timeline:
    """The timeline of a run. Without its Dockerfile only the order within stages is known, and
    no early start is explained."""
    steps = sorted(run.steps, key=lambda step: order(step.id))
    spans = {step.id: span for step in steps if (span := _span(step))}
    direct = _through_untimed(needs(run, dockerfile), spans)
    failed = (step.id for step in steps if step.status == "failed")
    path = _critical_path(spans, direct, failed)
    lanes = _lanes(spans)
    bars: list[Bar] = []
    for step in steps:
        if step.id in spans:
            start, end = spans[step.id]
            ready = max((spans[need][1] for need in direct[step.id]), default=0.0)
            bars.append(
                Bar(
                    step=step,
                    start=start,
                    end=end,
                    lane=lanes[step.id],
                    needs=direct[step.id],
                    waited=max(0.0, start - ready),
                    critical=step.id in path,
                )
            )
    wall = max([run.seconds, *(bar.end for bar in bars)])
    busy = _union([spans[step] for step in path])
    return Timeline(
        bars=tuple(bars),
        untimed=tuple(step for step in steps if step.id not in spans),
        wall=wall,
        lanes=max(lanes.values(), default=-1) + 1,
        critical=tuple(path),
        critical_seconds=busy,
        share=busy / wall if wall > 0 else None,
        early=tuple(_early(bars)) if dockerfile is not None else (),
    )


def needs(run: Run, dockerfile: Dockerfile | None) -> Needs:
    """What each step of the run builds on directly: steps of the run, in Dockerfile order.

    The legacy builder does one step after the other, whatever they build on.
    """
    steps = sorted(run.steps, key=lambda step: order(step.id))
    if run.backend == "legacy":
        ids = [step.id for step in steps]
        return {step: tuple(ids[max(0, at - 1) : at]) for at, step in enumerate(ids)}
    stages = dockerfile.stages if dockerfile is not None else ()
    found: Needs = {}
    tips: dict[int, tuple[StepId, ...]] = {}

    def tip(index: int) -> tuple[StepId, ...]:
        """The last steps of a stage so far, of its base's when it has none."""
        while index not in tips:
            base = stages[index].base_stage if 0 <= index < len(stages) else None
            if base is None or base >= index:
                return ()
            index = base
        return tips[index]

    for step in steps:
        stage = step.stage_index
        sources, link = _sources(step, stages)
        taken = tuple(other for source in sources for other in tip(source))
        if link:
            # It is put on top of the stage without being built on it.
            found[step.id] = taken
            tips[stage] = (*tip(stage), step.id)
        else:
            found[step.id] = tuple(dict.fromkeys((*tip(stage), *taken)))
            tips[stage] = (step.id,)
    return found


def _sources(step: Step, stages: Sequence[Stage]) -> tuple[list[int], bool]:
    """Stages that a step copies or mounts from, and whether it is a COPY --link."""
    if not 0 <= step.stage_index < len(stages) or step.trigger is not None:
        return [], False
    instructions = stages[step.stage_index].instructions
    if step.index >= len(instructions):
        return [], False
    instruction = instructions[step.index]
    return sorted(instruction_needs(instruction)), instruction.link


def _span(step: Step) -> tuple[float, float] | None:
    if step.started is None or step.finished is None or step.finished < step.started:
        return None
    return step.started, step.finished


def _through_untimed(direct: Needs, timed: Iterable[StepId]) -> Needs:
    """Needs between steps that have times: one without stands for what it needs itself."""
    known = set(timed)
    found: Needs = {}
    for step in sorted(direct, key=order):
        through: list[StepId] = []
        for need in direct[step]:
            through += (need,) if need in known else found.get(need, ())
        found[step] = tuple(dict.fromkeys(through))
    return {step: wanted for step, wanted in found.items() if step in known}


def _critical_path(
    spans: dict[StepId, tuple[float, float]], direct: Needs, failed: Iterable[StepId]
) -> list[StepId]:
    """From the step that ended last (of a failed run: that failed) back along whichever
    dependency ended last."""

    def end(step: StepId) -> tuple[float, tuple[int, int, int]]:
        return spans[step][1], order(step)

    path: list[StepId] = []
    ends = [step for step in failed if step in spans] or list(spans)
    at = max(ends, key=end, default=None)
    while at is not None and at not in path:
        path.append(at)
        at = max(direct[at], key=end, default=None)
    return path[::-1]


def _union(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the spans covers."""
    total, until = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def _lanes(spans: dict[StepId, tuple[float, float]]) -> dict[StepId, int]:
    """The lowest lane that is free when a step starts."""
    free_at: list[float] = []
    lanes: dict[StepId, int] = {}
    for step in sorted(spans, key=lambda step: (spans[step], order(step))):
        start, end = spans[step]
        lane = next((i for i, free in enumerate(free_at) if free <= start), len(free_at))
        if lane == len(free_at):
            free_at.append(end)
        free_at[lane] = end
        lanes[step] = lane
    return lanes


def _early(bars: list[Bar]) -> list[EarlyStart]:
    """Starts ahead of the Dockerfile's order, by step and the stage that was overtaken."""
    found: list[EarlyStart] = []
    below: dict[StepId, frozenset[StepId]] = {}
    for position, bar in enumerate(bars):
        step = bar.step
        below[step.id] = frozenset().union(*({n} | below.get(n, frozenset()) for n in bar.needs))
        overtaken: dict[int, list[Step]] = {}
        for earlier in bars[:position]:
            if earlier.start > bar.start + CLOCK:
                overtaken.setdefault(earlier.step.stage_index, []).append(earlier.step)
        if step.keyword == "FROM":  # BuildKit looks up all base images first
            continue
        for others in overtaken.values():
            free = [other for other in others if other.id not in below[step.id]]
            if not free and step.status == "hit":
                reason = "it was cached: BuildKit did not wait for the steps that it builds on"
                found.append(EarlyStart(step.id, tuple(o.id for o in others), reason))
            elif free:
                reason = _freedom(step, free[0], below[step.id], bars)
                found.append(EarlyStart(step.id, tuple(other.id for other in free), reason))
    return found


def _freedom(step: Step, other: Step, below: frozenset[StepId], bars: list[Bar]) -> str:
    """Why `step` need not wait for `other`."""
    if step.stage_index == other.stage_index:
        return "COPY --link is not built on the steps above it"
    names = {bar.step.stage_index: bar.step.stage for bar in bars}
    wanted = sorted({need.stage_index for need in below} - {step.stage_index})
    reason = f"it builds on nothing of {_stage(other.stage_index, other.stage)}"
    if wanted:
        reason += ", only on " + ", ".join(_stage(index, names[index]) for index in wanted)
    return reason


def _stage(index: int, name: str | None) -> str:
    return f"stage {name or index}"
