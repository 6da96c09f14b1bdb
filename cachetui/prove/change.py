"""The words of an experiment: a build in a state, and what is changed between two. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.record import Finding
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.context_edits import FileEdit
from cachetui.prove.dockerfile_pieces import Pieces
from cachetui.prove.errors import NoExperiment
from cachetui.records.backend import Backend
from cachetui.records.run import Run
from cachetui.records.scenario import FOUND, Scenario
from cachetui.records.step import StepId


@dataclass(frozen=True)
class State:
    """A build: its Dockerfile, what is changed in the context that was sent, its arguments.
    `edited` says whether the Dockerfile is another than the audit's."""

    name: str
    dockerfile: Pieces
    build_args: Mapping[str, str]
    files: tuple[FileEdit, ...] = ()
    edited: bool = False


@dataclass(frozen=True)
class Image:
    """A base image to be had on the host: by its `id` or its `layers`, by a digest to pull
    ("name@sha256:…"), or from other `hosts`. `tag` is the name that we give it."""

    ref: str
    layers: tuple[str, ...]
    tag: str
    id: str | None = None
    digest: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """The suspect: `what` in words, the build as it is `now` and as it was `then`, and the step to
    `watch`, by its place in the audit's Dockerfile. `run` is the as-found run that missed it, None
    when none did. `inexact` says why `then` may be not quite what was there. `repeats` says that
    nothing is changed: a RUN, in `line`, runs again to see whether it makes the same ("run",
    "mount": see `changes.repeated_run`), or the build is made again to see whether the step hits
    ("key": see `changes.repeated_build`).
    """

    backend: Backend
    what: str
    watch: StepId
    now: State
    then: State
    run: Run | None = None
    image: Image | None = None
    inexact: str | None = None
    repeats: Literal["run", "mount", "key"] | None = None
    line: int = 0

    @property
    def remakes(self) -> bool:
        """Whether the Dockerfile is that of `changes.repeated_run`."""
        return self.repeats in ("run", "mount")


@dataclass(frozen=True)
class ExperimentSetting:
    """Where the experiment is made. `name` is the experiment's; `values` are the values of the
    build's arguments; `given` what was given besides, as (name, value)."""

    case: Case
    finding: Finding
    host: str
    backend: Backend
    name: str
    cache_folder: str
    values: Mapping[str, str] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()
    checkout: str | None = None

    @property
    def run(self) -> Run | None:
        """The run of this host and backend, made as found, that the finding is about. One that
        only says how hosts differ, by their own records, is about none."""
        scenario = Scenario(self.backend, FOUND).name
        if scenario not in self.finding.scenarios and self.finding.confidence == "proved":
            return None
        here = (self.host, scenario)
        return next((run for run in self.case.runs if (run.host, run.scenario) == here), None)

    @property
    def before(self) -> EarlierRun | None:
        return self.case.before(self.run) if self.run is not None else None

    def missed(self, step: StepId) -> Run | None:
        """The as-found run, where it missed this step."""
        run = self.run
        missed = run is not None and any(s.id == step and s.status == "miss" for s in run.steps)
        return run if missed else None

    @property
    def first(self) -> StepId:
        """The finding's first step. Raises `NoExperiment` where it is none, or a trigger: in a
        finding that stands at its FROM."""
        steps = self.finding.steps
        if not steps:
            raise NoExperiment("the finding is about no step of the Dockerfile")
        step = StepId(steps[0].stage_index, steps[0].index)
        triggers = [s for s in self.run.steps if s.trigger is not None] if self.run else []
        if step.index == 0 and any(s.stage_index == step.stage_index for s in triggers):
            raise _of_a_trigger(self.case, step)
        return step

    def state(self, name: str, parts: Pieces | None = None, **more: object) -> State:
        """The audit's build, but for what is given."""
        own = pieces.pieces(self.case.dockerfile)
        values: dict[str, object] = {"build_args": self.values, **more}
        return State(name, parts or own, edited=parts is not None, **values)  # type: ignore[arg-type]


def instruction(case: Case, step: StepId) -> Instruction:
    """The instruction at a place. Raises `NoExperiment` for a trigger."""
    item = case.instruction(step)
    if item is None:
        raise _of_a_trigger(case, step)
    return item


def _of_a_trigger(case: Case, step: StepId) -> NoExperiment:
    """What an experiment on an ONBUILD trigger would do, and what it needs instead.

    Every builder runs triggers before the first instruction of the stage, so nothing can stand
    above them that gives their keys a salt.
    """
    stage = case.dockerfile.stages[step.stage_index]
    return NoExperiment(
        f"the step is an ONBUILD trigger of {stage.base}, which runs before anything "
        f"else below line {stage.instructions[0].line}: no build can have it in a cache of "
        "its own, and one in the host's own cache would leave there what your next build takes. "
        "With the triggers written out in the Dockerfile, FROM an image that has none, an audit "
        "finds the same and it can be proved"
    )
