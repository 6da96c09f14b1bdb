"""The ONBUILD triggers that run in a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.onbuild import trigger
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.stages import SCRATCH, Stage, linked


def stage_triggers(
    dockerfile: Dockerfile, stage_index: int, known: Mapping[str, Sequence[str]]
) -> tuple[Instruction, ...] | None:
    """The ONBUILD triggers that a stage's base brings, None when that is not known.

    `known` maps an image reference to its triggers' texts. The base may be a stage of this
    file: then they are its ONBUILD instructions.
    """
    stage = dockerfile.stages[stage_index]
    head = stage.instructions[0]
    if stage.base_stage is not None:
        base = dockerfile.stages[stage.base_stage]
        texts = [item.rest for item in base.instructions if item.keyword == "ONBUILD"]
        bodies = [item.onbuild for item in base.instructions if item.keyword == "ONBUILD"]
    elif stage.base == SCRATCH:
        return ()
    elif stage.base in known:
        texts = list(known[stage.base])
        bodies = [trigger(text, head) for text in texts]
    else:
        return None
    names = [one.name for one in dockerfile.stages[:stage_index]]
    moved = (_moved(body, head, text) for text, body in zip(texts, bodies, strict=True))
    return tuple(linked(item, -1, names) for item in moved)


def with_triggers(
    dockerfile: Dockerfile, known: Mapping[str, Sequence[str]]
) -> tuple[Dockerfile, dict[int, int]]:
    """The Dockerfile with the known triggers put in below their FROM, and how many these are in
    each stage: an instruction's index there is greater by as many."""
    brought = [stage_triggers(dockerfile, stage.index, known) or () for stage in dockerfile.stages]
    counts = {stage.index: len(own) for stage, own in zip(dockerfile.stages, brought, strict=True)}
    if not any(brought):
        return dockerfile, counts
    stages: list[Stage] = []
    for stage, triggers in zip(dockerfile.stages, brought, strict=True):
        head, *own = stage.instructions
        moved = [replace(item, index=n) for n, item in enumerate((*triggers, *own), start=1)]
        stages.append(replace(stage, instructions=(head, *moved)))
    return replace(dockerfile, stages=tuple(stages)), counts


def _moved(body: Instruction | None, head: Instruction, text: str) -> Instruction:
    """A trigger at the place of the FROM that runs it."""
    source = body or Instruction(-1, -1, text.split(None, 1)[0].upper() if text else "", 0, 0, text)
    return Instruction(
        stage_index=head.stage_index,
        index=0,
        keyword=source.keyword,
        line=head.line,
        end_line=head.end_line,
        text=source.text,
        flags=source.flags,
        args=source.args,
        json=source.json,
        heredocs=source.heredocs,
        mounts=source.mounts,
        copy_from=source.copy_from,
    )
