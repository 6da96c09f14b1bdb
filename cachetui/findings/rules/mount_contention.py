"""`sharing=locked` makes parallel steps wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case, told
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Claim, Rule
from cachetui.findings.rules.mount_id_shared import shared_mounts
from cachetui.findings.times import together
from cachetui.instruction import Instruction
from cachetui.record import Run, Step, StepId

LEAST = 0.3
"""Seconds at once that count as waiting: printed times are no finer than 0.1 s."""


def observe(case: Case) -> Iterator[Claim]:
    for identity, members in shared_mounts(case).items():
        locked = [item for item, mount in members if mount.sharing == "locked"]
        if not locked:
            continue
        for run in case.of():
            if run.backend != "buildkit":
                continue
            steps = {step.id: step for step in run.steps}
            for number, (first, _) in enumerate(members):
                for second, _ in members[number + 1 :]:
                    if first not in locked and second not in locked:
                        continue
                    one = steps.get(StepId(first.stage_index, first.index))
                    two = steps.get(StepId(second.stage_index, second.index))
                    if one and two:
                        yield from _claim(run, identity, (first, one), (second, two))


def _claim(
    run: Run, identity: str, one: tuple[Instruction, Step], two: tuple[Instruction, Step]
) -> Iterator[Claim]:
    first, second = one[0], two[0]
    if one[1].status != "miss" or two[1].status != "miss":
        return
    waited = together(one[1], two[1])
    if waited < LEAST:
        return
    yield Claim(
        title=f"lines {first.line} and {second.line} wait for each other: both lock the cache "
        f"mount {identity}",
        confidence="proved",
        steps=(one[1].id, two[1].id),
        evidence=(
            Evidence(kind="dockerfile", text=f"{told(first, 90)}"),
            Evidence(kind="dockerfile", text=f"{told(second, 90)}"),
            Evidence(
                kind="timing",
                text=f"{run.scenario} on {run.host}: both were under way for {waited:.1f} s at "
                "once, and only one of them could hold the mount: the other waited",
                data={"run": run.id, "waited": round(waited, 3)},
            ),
        ),
        advice=f"Where the tool bears it, write sharing=shared in lines {first.line} and "
        f"{second.line}; or give each an id of its own: id={identity.strip('/') or 'cache'}-2",
        hosts=(run.host,),
        backends=("buildkit",),
        scenarios=(run.scenario,),
        seconds=waited,
        same=identity,
        suspect={"kind": "sharing", "id": identity},
    )


RULE = Rule(
    id="mount-contention",
    title="sharing=locked makes parallel steps wait",
    surprise="Two stages could run side by side, and do not: a cache mount with sharing=locked "
    "is held by one step at a time. The waiting is counted as the step's own time.",
    needs="A BuildKit run with the times of both steps.",
    applies="Two steps of one mount id, at least one with sharing=locked, that were under way at "
    "the same time.",
    proves="The engine's own times: while both are under way, one of them waits.",
    advises="sharing=shared where the tool bears it, or an id of its own for each.",
    written=(
        "BuildKit solver/llbsolver/mounts/mount.go, getRefCacheDirNoCache: CACHE_LOCKED waits",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS a\n"
    "RUN --mount=type=cache,id=x,target=/c,sharing=locked sleep 2 && echo a > /a\n"
    "FROM busybox AS b\n"
    "RUN --mount=type=cache,id=x,target=/c,sharing=locked sleep 2 && echo b > /b\n"
    "FROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n",
    try_it="docker build . takes 4 seconds; with sharing=shared 2.",
    observe=observe,
)
