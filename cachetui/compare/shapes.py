"""Runs that are equal but for their times: a fleet has thousands of runs, and few kinds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cachetui.records.backend import Backend
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId


@dataclass(frozen=True, eq=False)
class Shape:
    """What runs have in common that ended alike, with the same steps, each with the same status.

    `first` is one of these runs: of what it says, only that is theirs, no time and no error.
    """

    first: Run

    @property
    def backend(self) -> Backend:
        return self.first.backend

    @cached_property
    def ids(self) -> tuple[StepId, ...]:
        """Of each step, as the run has them."""
        return tuple(step.id for step in self.first.steps)

    @cached_property
    def places(self) -> Mapping[StepId, int]:
        """Where each step is in the run's steps."""
        return {step: place for place, step in enumerate(self.ids)}

    @cached_property
    def triggered(self) -> tuple[StepId, ...]:
        """Those that a base image's triggers bring."""
        return tuple(step for step in self.ids if step.trigger is not None)

    @cached_property
    def hits(self) -> frozenset[StepId]:
        return frozenset(
            step
            for step, one in zip(self.ids, self.first.steps, strict=True)
            if one.status == "hit"
        )

    def step(self, step: StepId) -> Step | None:
        """The step of `first`, None where these runs have none of it."""
        place = self.places.get(step)
        return None if place is None else self.first.steps[place]

    def cells(self, run: Run, steps: Sequence[StepId]) -> Sequence[Step | None]:
        """The steps of one of these runs in this order, None for what they have none of."""
        if self.ids == steps:
            return run.steps
        places = [self.places.get(step) for step in steps]
        return [None if place is None else run.steps[place] for place in places]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Gives equal runs the same `Shape`. What depends on it alone is worked out once for all."""

    _known: dict[object, Shape] = field(default_factory=dict)

    def of(self, run: Run) -> Shape:
        """The shape of a run: times, errors and what belongs to the run as a whole left out."""
        steps = [
            (
                step.stage_index,
                step.index,
                step.trigger,
                step.status,
                step.instruction,
                step.same_as,
                step.same_as_trigger,
            )
            for step in run.steps
        ]
        key = (run.status, run.backend, tuple(steps))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Shape(run)
        return found
