"""Equal inputs, another result; and who down the line misses for it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.changing_values import changing_command
from cachetui.findings.claim import Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, join_names
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM
from cachetui.records.step import StepId


class RepeatedStep(Suspect, frozen=True, tag="repeat"):
    """A RUN that makes something else each time."""

    line: int


def explain(question: Question) -> Claim | None:
    """In `buildkit-mounts-warm` every RUN runs again on equal inputs: a copy of what one made
    hits when the bytes are equal, and misses when they are not."""
    makers = remade(question)
    again = recurs(question) if makers else None
    if not makers or again is True:
        return None
    clear = [item for item in makers if changing_command(item)]
    mounts = any(item.cache_mounts for item in makers)
    makers = clear or [item for item in makers if not item.cache_mounts] or makers
    return answer(
        question,
        title=_title(makers),
        confidence="likely" if clear or not mounts or again is False else "possible",
        steps=tuple(StepId(item.stage_index, item.index) for item in makers),
        evidence=(
            *(Evidence(kind="dockerfile", text=_told(item)) for item in makers[:3]),
            missed(question),
            *never_twice(question),
        ),
        advice=_advice(makers),
        suspect=RepeatedStep(makers[-1].line),
    )


def _told(item: Instruction) -> str:
    what = changing_command(item)
    return describe(item, 90) + (f": it uses {what}" if what else "")


def recurs(question: Question) -> bool | None:
    """Whether the result that missed came again in later repeats, each of which began with the
    mounts emptied by its cold run. False: each time it was another; None: nothing tells."""
    runs = question.case.of(question.run.kind, host=question.run.host)
    runs.sort(key=lambda run: run.repeat)
    found = [step.status for run in runs for step in run.steps if step.id == question.step.id]
    if len(found) < 2 or found[0] != "miss":
        return None
    if all(status == "miss" for status in found):
        return False
    return True if all(status == "hit" for status in found[1:]) else None


def never_twice(question: Question) -> tuple[Evidence, ...]:
    """That the repeats agree: each time another result."""
    if recurs(question) is not False:
        return ()
    count = len(question.case.of(question.run.kind, host=question.run.host))
    return (
        Evidence(
            kind="run",
            text=f"it missed in each of {count} repeats, though each began with the mounts "
            "emptied: the bytes were others every time",
            data={"repeats": count},
        ),
    )


def remade(question: Question) -> list[Instruction]:
    """The RUN steps that made again, on equal inputs, what the step that missed copies."""
    if question.run.kind != BUILDKIT_MOUNTS_WARM or not question.chain.through:
        return []
    if question.instruction is None or question.instruction.keyword not in ("COPY", "RUN"):
        return []
    direct = question.case.parents(question.run)
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
    """Cold runs of a step whose outputs were compared, and differ in content: a cold run begins
    with its mounts empty, so what they held is no reason. On one host it is proved; between hosts
    of one engine and base image likely; between others the engine can be the reason."""
    for item in case.instructions("RUN", "COPY", "ADD") if case.outputs else ():
        step = StepId(item.stage_index, item.index)
        makers = makers_of(case, item)
        made = [
            (run, case.outputs[(run.id, step)])
            for run in case.of(BUILDKIT_COLD)
            if (run.id, step) in case.outputs
        ]
        if not makers:
            continue
        found = False
        for sure, runs in _alike(case, made, item.stage_index):
            results = {result for _, result in runs}
            if len(results) > 1:
                found = True
                proved = sure and len(makers) == 1
                yield _differs(makers, runs, "proved" if proved else "likely")
                break
        if found:
            return  # what stands on it differs because of it


_Made = list[tuple[Run, str]]
"""Runs with a digest of what a step made in each."""


def _alike(case: Case, made: _Made, stage_index: int) -> Iterator[tuple[bool, _Made]]:
    """Runs of one host (surely alike), then runs of hosts that have the same engine, platform and
    base image."""
    head = case.head(stage_index)
    ref = case.dockerfile.stages[head.stage_index].base
    by_host: dict[str, _Made] = {}
    by_kind: dict[tuple[object, ...], _Made] = {}
    for run, result in made:
        by_host.setdefault(run.host, []).append((run, result))
        facts = case.facts(run.host)
        if facts is not None:
            kind = (facts.engine, facts.store, facts.platform, facts.bases.get(ref))
            by_kind.setdefault(kind, []).append((run, result))
    yield from ((True, runs) for runs in by_host.values())
    yield from ((False, runs) for runs in by_kind.values())


def _differs(makers: list[Instruction], made: _Made, confidence: Confidence) -> Claim:
    hosts = tuple(dict.fromkeys(run.host for run, _ in made))
    results = len({result for _, result in made})
    where = join_names([f"{run.host} {run.repeat}" for run, _ in made])
    return Claim(
        title=_title(makers),
        confidence=confidence,
        steps=tuple(StepId(one.stage_index, one.index) for one in makers),
        evidence=(
            *(Evidence(kind="dockerfile", text=_told(one)) for one in makers[:3]),
            Evidence(
                kind="output",
                text=f"{len(made)} cold runs made {results} different results, times left out "
                f"({where})",
                data={"runs": [run.id for run, _ in made]},
            ),
        ),
        advice=_advice(makers),
        hosts=hosts,
        backends=("buildkit",),
        scenarios=(BUILDKIT_COLD.name,),
        suspect=RepeatedStep(makers[-1].line),
    )


def makers_of(case: Case, item: Instruction) -> list[Instruction]:
    """The RUN steps whose result is what an instruction leaves: itself, or those of the stage
    that it copies from."""
    if item.keyword == "RUN":
        return [item]
    if not isinstance(item.copy_from, int):
        return []
    stage = case.dockerfile.stages[item.copy_from]
    found = [one for one in stage.instructions if one.keyword == "RUN"]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = case.dockerfile.stages[stage.base_stage]
        found = [*(one for one in stage.instructions if one.keyword == "RUN"), *found]
    return found


def _title(makers: list[Instruction]) -> str:
    lines = [str(item.line) for item in makers]
    if len(lines) == 1:
        return f"line {lines[0]} makes another result of the same inputs"
    return f"one of lines {join_names(lines)} makes another result of the same inputs"


def _advice(makers: list[Instruction]) -> str:
    return (
        f"Make line {makers[-1].line} repeatable: no dates, random names or unordered lists in "
        "what it writes (SOURCE_DATE_EPOCH, sorted input, pinned versions); or copy from it only "
        "the files that are the same each time"
    )


RULE = Rule(
    id="nondeterministic-step",
    order=410,
    title="Equal inputs, another result, and who misses for it",
    surprise="A RUN that is built again makes other bytes (a date, a random name, today's "
    "packages), so a COPY --from of them misses in a stage whose own lines did not change.",
    needs="A run in which RUN steps run again on equal inputs (buildkit-mounts-warm), or the "
    "outputs of several runs.",
    applies="A COPY --from, or a mount from a stage, missed there, all else above it hit, and "
    "what it takes was made by RUN steps without cache mounts, or by one whose words tell "
    "(date, /dev/urandom, mktemp). Of one with a cache mount either can be the cause: --repeat 2 "
    "tells, for each repeat begins with the mounts emptied.",
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
    suspect=RepeatedStep,
    compares=(BUILDKIT_COLD, BUILDKIT_COLD),
)
