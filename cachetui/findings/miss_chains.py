"""The first miss of a chain is the one to explain; those below follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cachetui.compare.align import order
from cachetui.findings.step_graph import Parent
from cachetui.findings.step_seconds import seconds_of
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_MOUNTS_WARM
from cachetui.records.step import Step, StepId


@dataclass(frozen=True, slots=True)
class Chain:
    """A first miss and what follows from it.

    `consequences` are in Dockerfile order; one that follows from two causes is counted with the
    first. `through` names the steps whose new bytes, copied by the cause, made it miss (empty
    but where the cause copies from a stage that was built again). `seconds` is how long at
    least one of the steps was at work, None when nothing timed them.
    """

    run: Run
    cause: Step
    consequences: tuple[Step, ...] = ()
    through: tuple[StepId, ...] = ()
    seconds: float | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return (self.cause, *self.consequences)


@dataclass(frozen=True, slots=True)
class Outline:
    """A chain of each run of one shape: the places of its steps in the run's, and `through`."""

    cause: int
    consequences: tuple[int, ...]
    through: tuple[StepId, ...]

    def of(self, run: Run) -> Chain:
        cause = run.steps[self.cause]
        below = tuple(run.steps[place] for place in self.consequences)
        return Chain(run, cause, below, self.through, seconds_of((cause, *below)))


def chains(
    run: Run, direct: Mapping[StepId, tuple[Parent, ...]], *, no_cache: bool = False
) -> tuple[Chain, ...]:
    """The chains of misses of a run, in Dockerfile order: see `outlines`."""
    return tuple(line.of(run) for line in outlines(run, direct, no_cache=no_cache))


def outlines(
    run: Run, direct: Mapping[StepId, tuple[Parent, ...]], *, no_cache: bool = False
) -> tuple[Outline, ...]:
    """The chains of misses of a run and of all of its shape and scenario, in Dockerfile order.
    `direct` is what `step_graph.parents` says of the run. `no_cache`: the build has --no-cache,
    with which BuildKit takes a WORKDIR from its cache all the same (our lab: all four engines).

    A RUN that `buildkit-mounts-warm` runs again on purpose is no cause there, and what stands
    on it by its chain is expected; a copy of bytes that it made is not, for equal bytes hit.
    """
    places = {step.id: place for place, step in enumerate(run.steps)}
    steps = {step: run.steps[place] for step, place in places.items()}
    missed = {step for step in direct if steps[step].status == "miss"}
    expected = _expected(run, direct, steps)
    roots: dict[StepId, StepId] = {}
    through: dict[StepId, tuple[StepId, ...]] = {}
    for step in sorted(missed, key=order):
        if step in expected:
            continue
        above = [p for p in direct[step] if p.step in missed]
        causes = [roots[p.step] for p in above if p.step in roots]
        if causes:
            roots[step] = min(causes, key=order)
            continue
        roots[step] = step
        through[step] = tuple(p.step for p in above if p.how == "content")
    harmless = _harmless(direct, steps, no_cache)
    found: list[Outline] = []
    for cause in sorted(set(roots.values()) - harmless, key=order):
        below = sorted((s for s, root in roots.items() if root == cause != s), key=order)
        found.append(
            Outline(places[cause], tuple(places[s] for s in below), through.get(cause, ()))
        )
    return tuple(found)


def _harmless(
    direct: Mapping[StepId, tuple[Parent, ...]], steps: Mapping[StepId, Step], no_cache: bool
) -> set[StepId]:
    """Steps on which another stands that hit: the engine found that one by a key with theirs in
    it, so whatever they were built for again, nothing came of it."""
    if no_cache:
        return set()
    return {
        parent.step
        for step, above in direct.items()
        for parent in above
        if steps[step].status == "hit" and parent.how == "chain"
    }


def _expected(
    run: Run, direct: Mapping[StepId, tuple[Parent, ...]], steps: Mapping[StepId, Step]
) -> set[StepId]:
    """Steps that the scenario itself makes miss."""
    if run.kind.cold:
        return set(direct)
    expected: set[StepId] = set()
    if run.kind != BUILDKIT_MOUNTS_WARM:
        return expected
    for step in sorted(direct, key=order):
        chain = any(p.step in expected for p in direct[step] if p.how != "content")
        if chain or steps[step].keyword == "RUN":
            expected.add(step)
    return expected
