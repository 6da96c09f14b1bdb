"""Output out of the Dockerfile's order is parallel work."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import partial

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.shared_mounts import shared_mounts
from cachetui.findings.step_seconds import overlap_seconds
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_WARM
from cachetui.records.step import Step, StepId

MIN_SECONDS = 0.2
"""Seconds side by side that count: printed times are no finer than 0.1 s."""


def observe(case: Case) -> Iterator[Claim]:
    """The two lines that were side by side longest, on every host where they were."""
    pairs: dict[tuple[StepId, StepId], dict[str, _Pair]] = {}
    waiting = _waiting(case)
    for run in case.of():
        if run.backend != "buildkit" or run.kind == BUILDKIT_WARM:
            continue
        key = (_candidates, id(case.parents(run)))
        candidates = case.once(key, partial(_candidates, run, case, waiting))
        for one, two in candidates:
            first, second = run.steps[one], run.steps[two]
            together = overlap_seconds(first, second)
            if together < MIN_SECONDS:
                continue
            longest = pairs.setdefault((first.id, second.id), {})
            if run.host not in longest or together > longest[run.host][0]:
                longest[run.host] = (together, run, first, second)
    if pairs:
        by_host = max(pairs.values(), key=lambda hosts: max(pair[0] for pair in hosts.values()))
        yield _claim([*by_host.values()])


_Pair = tuple[float, Run, Step, Step]
"""For how many seconds two steps of a run were side by side."""


def _claim(pairs: Sequence[_Pair]) -> Claim:
    """One claim of all hosts, with a fact for each scenario."""
    _, _, first, second = pairs[0]
    by_scenario: dict[str, list[_Pair]] = {}
    for pair in pairs:
        by_scenario.setdefault(pair[1].scenario, []).append(pair)
    return Claim(
        title=f"lines {first.line} and {second.line} ran in parallel: that is why their output is "
        "not in the Dockerfile's order",
        confidence="proved",
        steps=(first.id, second.id),
        evidence=(
            *(_side_by_side(scenario, own) for scenario, own in by_scenario.items()),
            Evidence(
                kind="dockerfile",
                text=f"up to these steps, stages {first.stage_index} and {second.stage_index} need "
                "nothing from each other",
            ),
        ),
        advice="Nothing is wrong. `cachetui log` shows the output step by step; read times from "
        "the table, not from the order of lines",
        hosts=tuple(run.host for _, run, _, _ in pairs),
        backends=("buildkit",),
        scenarios=tuple(by_scenario),
    )


def _side_by_side(scenario: str, pairs: Sequence[_Pair]) -> Evidence:
    seconds = [together for together, _, _, _ in pairs]
    ends = dict.fromkeys(f"{pick(seconds):.1f}" for pick in (min, max))
    return Evidence(
        kind="timing",
        text=f"{scenario} on {HOSTS}: both were running for {' to '.join(ends)} s at the same time",
        data={"together": {run.host: round(together, 3) for together, run, _, _ in pairs}},
        hosts=tuple(run.host for _, run, _, _ in pairs),
        runs=tuple(run.id for _, run, _, _ in pairs),
    )


def _candidates(
    run: Run, case: Case, waiting: Container[tuple[StepId, StepId]]
) -> list[tuple[int, int]]:
    """Places of the pairs of steps that may work at the same time, in all runs of the same shape:
    neither needs the other, and the first is in an earlier stage."""
    direct = case.parents(run)
    below: dict[StepId, set[StepId]] = {}
    for step, own in direct.items():
        below[step] = {p.step for p in own}.union(*(below.get(p.step, set()) for p in own))
    worked = [
        (place, step)
        for place, step in enumerate(run.steps)
        if step.id in direct and step.status in ("miss", "failed") and step.same_as is None
    ]
    return [
        (one, two)
        for one, first in worked
        for two, second in worked
        if second.stage_index > first.stage_index
        and first.id not in below[second.id]
        and second.id not in below[first.id]
        and (first.id, second.id) not in waiting
    ]


def _waiting(case: Case) -> set[tuple[StepId, StepId]]:
    """Pairs of steps that lock one cache mount: at once means that one of them waits."""
    pairs: set[tuple[StepId, StepId]] = set()
    for members in shared_mounts(case).values():
        if any(mount.sharing == "locked" for _, mount in members):
            ids = [StepId(item.stage_index, item.index) for item, _ in members]
            pairs |= {(one, two) for one in ids for two in ids}
    return pairs


RULE = Rule(
    id="parallel-not-disorder",
    order=440,
    title="Output that looks out of order comes from steps that ran in parallel",
    surprise="BuildKit prints output as it comes, so lines of a later stage appear between those "
    "of an earlier one, and step numbers are not in the Dockerfile's order. Nothing ran in the "
    "wrong order.",
    needs="A BuildKit run with the times of its steps.",
    applies="Two steps of stages that do not need each other were running at the same time.",
    proves="The engine's own times.",
    advises="Nothing to fix; read the log step by step.",
    written=(
        "BuildKit solver/scheduler.go; util/progress/progressui/printer.go",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS a\nRUN sleep 1 && echo a > /a\nFROM busybox AS b\n"
    "RUN sleep 1 && echo b > /b\nFROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n",
    try_it="docker build --progress=plain . and look at the order of lines.",
    paid=None,
    observe=observe,
    parts_hosts=False,
)
