"""Equal inputs, another result; and who down the line misses for it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case, listed, told
from cachetui.findings.first_causes import MOUNTS_WARM
from cachetui.findings.graph import parents
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Claim, Question, Rule, answer
from cachetui.findings.volatile import changing
from cachetui.instruction import Instruction
from cachetui.record import Run, StepId


def explain(question: Question) -> Claim | None:
    """In `buildkit-mounts-warm` every RUN runs again on equal inputs: a copy of what one made
    hits when the bytes are equal, and misses when they are not."""
    makers = remade(question)
    if not makers:
        return None
    clear = [item for item in makers if changing(item)]
    mounts = any(item.cache_mounts for item in makers)
    makers = clear or [item for item in makers if not item.cache_mounts] or makers
    return answer(
        question,
        title=_title(makers),
        confidence="likely" if clear or not mounts else "possible",
        steps=tuple(StepId(item.stage_index, item.index) for item in makers),
        evidence=(
            *(Evidence(kind="dockerfile", text=_told(item)) for item in makers[:3]),
            missed(question),
        ),
        advice=_advice(makers),
        suspect={"kind": "repeat", "line": makers[-1].line},
    )


def _told(item: Instruction) -> str:
    what = changing(item)
    return told(item, 90) + (f": it uses {what}" if what else "")


def remade(question: Question) -> list[Instruction]:
    """The RUN steps that made again, on equal inputs, what the step that missed copies."""
    if question.run.scenario != MOUNTS_WARM or not question.chain.through:
        return []
    if question.instruction is None or question.instruction.keyword not in ("COPY", "RUN"):
        return []
    direct = parents(question.run, question.case.dockerfile)
    steps = {step.id: step for step in question.run.steps}
    found: set[StepId] = set()
    waiting = list(question.chain.through)
    while waiting:
        step = waiting.pop()
        if step in found or steps[step].status != "miss":
            continue
        found.add(step)
        waiting += [parent.step for parent in direct.get(step, ())]
    items = [question.case.instruction(step) for step in sorted(found, key=_place)]
    return [item for item in items if item is not None and item.keyword == "RUN"]


def _place(step: StepId) -> tuple[int, int]:
    return (step.stage_index, step.index)


def missed(question: Question) -> Evidence:
    """That the copy missed where equal bytes would have hit."""
    run = question.run
    return Evidence(
        kind="run",
        text=f"{run.scenario} on {run.host}: the same inputs were built again, and "
        f"{question.case.line(question.step.id)} missed: BuildKit found other bytes in what it "
        "copies",
        data={"run": run.id, "repeat": run.repeat},
    )


def observe(case: Case) -> Iterator[Claim]:
    """Two cold runs of a step whose results were compared, and differ in content."""
    if not case.outputs:
        return
    for item in case.instructions("RUN"):
        step = StepId(item.stage_index, item.index)
        if item.cache_mounts:
            continue
        groups: dict[str, list[Run]] = {}
        for run in case.of("buildkit-cold"):
            made = case.outputs.get((run.id, step))
            if made is not None:
                groups.setdefault(made, []).append(run)
        if len(groups) < 2 or not _same_inputs(case, groups, step):
            continue
        runs = [run for members in groups.values() for run in members]
        yield Claim(
            title=_title([item]),
            confidence="proved",
            steps=(step,),
            evidence=(
                Evidence(kind="dockerfile", text=told(item, 90)),
                Evidence(
                    kind="output",
                    text=f"{len(runs)} cold runs made {len(groups)} different results, times left "
                    f"out ({listed([f'{r.host} {r.repeat}' for r in runs])})",
                ),
            ),
            advice=_advice([item]),
            hosts=tuple(dict.fromkeys(run.host for run in runs)),
            backends=("buildkit",),
            scenarios=("buildkit-cold",),
            suspect={"kind": "repeat", "line": item.line},
        )
        return  # what stands on it differs because of it


def _same_inputs(case: Case, groups: dict[str, list[Run]], step: StepId) -> bool:
    """Whether the base image is the same wherever the step ran."""
    stage = case.dockerfile.stages[step.stage_index]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = case.dockerfile.stages[stage.base_stage]
    if not stage.is_external:
        return True
    layers = {
        facts.bases.get(stage.base)
        for members in groups.values()
        for run in members
        if (facts := case.facts(run.host)) is not None
    }
    return len(layers) == 1 and None not in layers


def _title(makers: list[Instruction]) -> str:
    lines = [str(item.line) for item in makers]
    if len(lines) == 1:
        return f"line {lines[0]} makes another result of the same inputs"
    return f"one of lines {listed(lines)} makes another result of the same inputs"


def _advice(makers: list[Instruction]) -> str:
    return (
        f"Make line {makers[-1].line} repeatable: no dates, random names or unordered lists in "
        "what it writes (SOURCE_DATE_EPOCH, sorted input, pinned versions); or copy from it only "
        "the files that are the same each time"
    )


RULE = Rule(
    id="nondeterministic-step",
    title="Equal inputs, another result, and who misses for it",
    surprise="A RUN that is built again makes other bytes (a date, a random name, today's "
    "packages), so a COPY --from of them misses in a stage whose own lines did not change.",
    needs="A run in which RUN steps run again on equal inputs (buildkit-mounts-warm), or the "
    "outputs of several runs.",
    applies="A COPY --from, or a mount from a stage, missed there, all else above it hit, and "
    "what it takes was made by RUN steps without cache mounts, or by one whose words tell "
    "(date, /dev/urandom, mktemp). Of one with a cache mount either can be the cause: then "
    "nothing is claimed before an experiment.",
    proves="Outputs that differ in content; or an experiment that runs the step twice more.",
    advises="Make the step repeatable, or copy less of it.",
    written=(
        "BuildKit solver/llbsolver/ops/exec.go and file.go: content-based keys of what is copied",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS build\nRUN --mount=type=cache,target=/c true\n"
    "RUN date +%N > /version\nFROM busybox\nCOPY --from=build /version /\nRUN sleep 2\n",
    try_it="cachetui run . --scenarios buildkit-mounts-warm",
    explain=explain,
    observe=observe,
)
