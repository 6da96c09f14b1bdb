"""What a kind of cache kept, from builds with nothing but its import, each of another target. Pure.

With nothing changed every kind shows CACHED for everything, since the last step's hit spares all
others (our lab). So each stage is built for itself, and only its last hit was needed.
"""

from __future__ import annotations

from collections.abc import Mapping

from cachetui.dockerfile.parse import Dockerfile, instruction_needs
from cachetui.records.run import Run
from cachetui.records.share import Kept, KeptStep
from cachetui.records.step import Step

ASKED = ("RUN", "COPY", "ADD", "WORKDIR")
"""The instructions that leave a layer: all that a cache can keep."""


def kept_steps(dockerfile: Dockerfile, runs: Mapping[int, Run]) -> tuple[KeptStep, ...]:
    """What became of each step that leaves a layer, in Dockerfile order, for the stages in `runs`.

    `runs` has for each stage, by its index, the build that had it for a target: the last stage's
    first, since each build finds what earlier ones left.
    """
    steps: list[KeptStep] = []
    for stage in sorted(runs):
        steps += [
            KeptStep(stage_index=stage, index=step.index, kept=_kept(dockerfile, runs, step))
            for step in _layers(runs[stage], stage)
        ]
    return tuple(steps)


def _layers(run: Run, stage: int) -> list[Step]:
    return [
        step
        for step in run.steps
        if step.stage_index == stage and step.trigger is None and step.keyword in ASKED
    ]


def _kept(dockerfile: Dockerfile, runs: Mapping[int, Run], step: Step) -> Kept:
    """What a step's import did: its result was needed where it was the last of what was built, or
    the one below it ran."""
    seen = [(run, one) for run in runs.values() for one in run.steps if one.id == step.id]
    if any(one.status == "miss" for _, one in seen):
        return "not-kept"
    for run, one in seen:
        below = next((o for o in _layers(run, step.stage_index) if o.index > step.index), None)
        last = below is None and run is runs[step.stage_index]
        if one.status == "hit" and (last or (below is not None and below.status == "miss")):
            return "here" if _may_be_own(dockerfile, run, step) else "kept"
    return "spared" if step.status == "hit" else "unknown"


def _may_be_own(dockerfile: Dockerfile, run: Run, step: Step) -> bool:
    """Whether a cache of the host's own can have answered. It has no RUN of the experiment, nor
    what stands on one; a copy from a stage that was built is found by its bytes, too."""
    if step.keyword == "RUN":
        return False
    above = [
        item
        for stage in _chain(dockerfile, step.stage_index)
        for item in dockerfile.stages[stage].instructions
        if stage != step.stage_index or item.index < step.index
    ]
    if any(item.keyword == "RUN" for item in above):
        return False
    item = dockerfile.stages[step.stage_index].instructions[step.index]
    for source in instruction_needs(item):
        needed = dockerfile.all_needed(source)
        there = [one for stage in needed for one in dockerfile.stages[stage].instructions]
        runs_there = any(one.keyword == "RUN" for one in there)
        built = any(one.stage_index in needed and one.status == "miss" for one in run.steps)
        if runs_there and not built:
            return False
    return True


def _chain(dockerfile: Dockerfile, stage: int | None) -> list[int]:
    """A stage and those it stands on by its FROM."""
    chain: list[int] = []
    while stage is not None and stage not in chain:
        chain.append(stage)
        stage = dockerfile.stages[stage].base_stage
    return chain


def asked_again(dockerfile: Dockerfile, target: int) -> list[int]:
    """The stages to build for themselves after the target: those that it needs and that have a
    step which leaves a layer, in Dockerfile order."""
    return [
        stage
        for stage in sorted(dockerfile.all_needed(target) - {target})
        if any(item.keyword in ASKED for item in dockerfile.stages[stage].instructions)
    ]


def cut_after(text: str, dockerfile: Dockerfile, stage: int) -> str:
    """The Dockerfile's text up to the end of a stage, which a build then ends with. `--target`
    takes no stage without a name."""
    if stage + 1 >= len(dockerfile.stages):
        return text
    line = dockerfile.stages[stage + 1].instructions[0].line
    return "".join(text.splitlines(keepends=True)[: line - 1])
