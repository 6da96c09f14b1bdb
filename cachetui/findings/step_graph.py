"""Which steps of a run build on which: by the chain of a stage, or by the bytes they copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cachetui.compare.align import order
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile, instruction_needs
from cachetui.records.run import Run
from cachetui.records.step import StepId

How = Literal["chain", "content", "twin"]
"""`chain`: a miss above is a miss here. `content`: it is one only when the bytes differ
(COPY --from, mounts from a stage). `twin`: the same vertex as another step."""


@dataclass(frozen=True, slots=True)
class Parent:
    step: StepId
    how: How


def parents(
    run: Run, dockerfile: Dockerfile, triggers: Mapping[StepId, Instruction] | None = None
) -> dict[StepId, tuple[Parent, ...]]:
    """What each step of a run builds on, in Dockerfile order; FROMs are passed through. `triggers`
    are those of base images that are known.

    ARGs before the first FROM are no steps here. A `COPY --link` builds on no chain on
    BuildKit; the legacy builder takes the flag and ignores it.
    """
    graph: dict[StepId, tuple[Parent, ...]] = {}
    tips: dict[int, StepId | None] = {}
    for step in sorted(run.steps, key=lambda one: order(one.id)):
        stage = step.stage_index
        if not 0 <= stage < len(dockerfile.stages):
            continue
        if stage not in tips:
            base = dockerfile.stages[stage].base_stage
            tips[stage] = tips.get(base) if base is not None else None
        if step.index == 0 and step.trigger is None:
            continue
        own: list[Parent] = []
        tip = tips[stage]
        instruction = (triggers or {}).get(step.id)
        if step.trigger is None and step.index < len(dockerfile.stages[stage].instructions):
            instruction = dockerfile.stages[stage].instructions[step.index]
        alone = instruction is not None and instruction.link and run.backend == "buildkit"
        if step.twin is not None:
            own.append(Parent(step.twin, "twin"))
        elif tip is not None and not alone:
            own.append(Parent(tip, "chain"))
        if instruction is not None and step.twin is None:
            for source in sorted(instruction_needs(instruction)):
                last = tips.get(source)
                if last is not None:
                    own.append(Parent(last, "content"))
        graph[step.id] = tuple(own)
        tips[stage] = step.id
    return graph
