"""RUN steps that ran again on equal inputs, and what their results tell.

In `buildkit-mounts-warm` every RUN runs again. A copy of what one made hits when the bytes are
equal, and misses when they are not. Each repeat begins with its mounts emptied by the cold run.
"""

from __future__ import annotations

from cachetui.compare.align import order
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.records.scenario import BUILDKIT_MOUNTS_WARM
from cachetui.records.step import StepId


def result_recurs(question: Question) -> bool | None:
    """Whether the result that missed came again in later repeats, each of which began with the
    mounts emptied by its cold run. False: each time it was another; None: not known."""
    runs = question.case.of(question.run.kind, host=question.run.host)
    runs.sort(key=lambda run: run.repeat)
    statuses = [step.status for run in runs for step in run.steps if step.id == question.step.id]
    if len(statuses) < 2 or statuses[0] != "miss":
        return None
    if all(status == "miss" for status in statuses):
        return False
    return True if all(status == "hit" for status in statuses[1:]) else None


def remade_runs(question: Question) -> list[Instruction]:
    """The RUN steps that made again, on equal inputs, what the step that missed copies."""
    if question.run.kind != BUILDKIT_MOUNTS_WARM or not question.chain.through:
        return []
    if question.instruction is None or question.instruction.keyword not in ("COPY", "RUN"):
        return []
    direct = question.case.parents(question.run)
    steps = {step.id: step for step in question.run.steps}
    remade: set[StepId] = set()
    waiting = list(question.chain.through)
    while waiting:
        step = waiting.pop()
        if step in remade or steps[step].status != "miss":
            continue
        remade.add(step)
        waiting += [parent.step for parent in direct.get(step, ())]
    items = [question.case.instruction(step) for step in sorted(remade, key=order)]
    return [item for item in items if item is not None and item.keyword == "RUN"]


def _place(step: StepId) -> tuple[int, int]:
    return (step.stage_index, step.index)


def copy_missed(question: Question) -> Evidence:
    """That the copy missed where equal bytes would have hit."""
    run = question.run
    return Evidence(
        kind="run",
        text=f"{run.scenario} on {HOSTS}: RUN steps ran again on the same inputs, and "
        f"{question.case.line(question.step.id)} missed: what it copies has other bytes now",
        data={"repeat": run.repeat},
        hosts=(run.host,),
        runs=(run.id,),
    )


def makers_of(case: Case, item: Instruction) -> list[Instruction]:
    """The RUN steps whose result is what an instruction leaves: itself, or those of the stage
    that it copies from."""
    if item.keyword == "RUN":
        return [item]
    if not isinstance(item.copy_from, int):
        return []
    stage = case.dockerfile.stages[item.copy_from]
    makers = [item for item in stage.instructions if item.keyword == "RUN"]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = case.dockerfile.stages[stage.base_stage]
        makers = [*(item for item in stage.instructions if item.keyword == "RUN"), *makers]
    return makers
