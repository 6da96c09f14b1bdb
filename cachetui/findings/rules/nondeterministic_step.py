"""Equal inputs, another result; and who down the line misses for it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.changing_values import changing_command
from cachetui.findings.claim import Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.remade_steps import copy_missed, makers_of, remade_runs, result_recurs
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, join_names
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD
from cachetui.records.step import StepId


class RepeatedStep(Suspect, frozen=True, tag="repeat"):
    """A RUN that makes something else each time."""

    line: int


def explain(question: Question) -> Claim | None:
    """In `buildkit-mounts-warm` every RUN runs again on equal inputs: a copy of what one made
    hits when the bytes are equal, and misses when they are not."""
    makers = remade_runs(question)
    again = result_recurs(question) if makers else None
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
            *(Evidence(kind="dockerfile", text=_line_with_reason(item)) for item in makers[:3]),
            copy_missed(question),
            *never_twice(question),
        ),
        advice=_advice(makers),
        suspect=RepeatedStep(makers[-1].line),
    )


def _line_with_reason(item: Instruction) -> str:
    what = changing_command(item)
    return describe(item, 90) + (f": it uses {what}" if what else "")


def never_twice(question: Question) -> tuple[Evidence, ...]:
    """That the repeats agree: each time another result."""
    if result_recurs(question) is not False:
        return ()
    count = len(question.case.of(question.run.kind, host=question.run.host))
    return (
        Evidence(
            kind="run",
            text=f"it missed in each of {count} repeats, although each started with empty mounts: "
            "the bytes differed every time",
            data={"repeats": count},
            hosts=(question.run.host,),
        ),
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
        differs = False
        for sure, runs in _alike(case, made, item.stage_index):
            results = {result for _, result in runs}
            if len(results) > 1:
                differs = True
                proved = sure and len(makers) == 1
                yield _differs(makers, runs, "proved" if proved else "likely")
                break
        if differs:
            return  # what builds on it differs because of it


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
            *(Evidence(kind="dockerfile", text=_line_with_reason(one)) for one in makers[:3]),
            Evidence(
                kind="output",
                text=f"{len(made)} cold runs made {results} different results, timestamps ignored "
                f"({where})",
                data={"runs": len(made), "results": results},
                hosts=hosts,
                runs=tuple(run.id for run, _ in made),
            ),
        ),
        advice=_advice(makers),
        hosts=hosts,
        backends=("buildkit",),
        scenarios=(BUILDKIT_COLD.name,),
        suspect=RepeatedStep(makers[-1].line),
    )


def _title(makers: list[Instruction]) -> str:
    lines = [str(item.line) for item in makers]
    if len(lines) == 1:
        return f"line {lines[0]} makes another result from the same inputs"
    return f"one of lines {join_names(lines)} makes another result from the same inputs"


def _advice(makers: list[Instruction]) -> str:
    return (
        f"Make line {makers[-1].line} repeatable: no dates, random names or unordered lists in "
        "what it writes (SOURCE_DATE_EPOCH, sorted input, pinned versions); or copy from it only "
        "the files that are the same every time"
    )


RULE = Rule(
    id="nondeterministic-step",
    order=410,
    title="A step makes another result from equal inputs, and later steps miss",
    surprise="A RUN that is built again writes other bytes (a date, a random name, today's "
    "packages). A COPY --from of them then misses in a stage whose own lines did not change.",
    needs="A run in which RUN steps run again on equal inputs (buildkit-mounts-warm), or the "
    "outputs of several runs.",
    applies="There a COPY --from, or a mount from a stage, missed while everything above it hit; "
    "and what it takes was made by RUN steps without cache mounts, or by one whose text shows it "
    "(date, /dev/urandom, mktemp). If the RUN has a cache mount, the mount can be the cause as "
    "well: --repeat 2 tells, for each repeat begins with the mounts emptied.",
    proves="Outputs that differ in content; or an experiment that runs the step twice more.",
    advises="Make the step repeatable, or copy less of its result.",
    written=(
        "BuildKit solver/llbsolver/ops/exec.go and file.go: content-based keys of what is copied",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS build\nRUN --mount=type=cache,target=/c true\n"
    "RUN date +%N > /version\nFROM busybox\nCOPY --from=build /version /\nRUN sleep 2\n",
    try_it="cachetui run . --scenarios buildkit-mounts-warm",
    paid="per-run",
    explain=explain,
    observe=observe,
    suspect=RepeatedStep,
    compares=(BUILDKIT_COLD, BUILDKIT_COLD),
)
