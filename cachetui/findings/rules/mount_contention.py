"""`sharing=locked` makes parallel steps wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from cachetui.compare.timings import Summary, summarise
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.host_load import loaded
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.shared_mounts import shared_mounts
from cachetui.findings.step_seconds import overlap_seconds
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe
from cachetui.records.run import Run
from cachetui.records.step import StepId


class LockedMount(Suspect, frozen=True, tag="sharing"):
    """A cache mount that one step at a time can hold."""

    id: str


MIN_WAIT = 0.3
"""Seconds at once that count as waiting: printed times are no finer than 0.1 s."""


def observe(case: Case) -> Iterator[Claim]:
    runs: dict[tuple[str, str], list[Run]] = {}
    for run in case.of():
        if run.backend == "buildkit":
            runs.setdefault((run.host, run.scenario), []).append(run)
    for identity, members in shared_mounts(case).items():
        locked = [item for item, mount in members if mount.sharing == "locked"]
        for (first, _), (second, _) in combinations(members, 2):
            if first in locked or second in locked:
                for series in runs.values():
                    yield from _claim(case, series, identity, first, second)


def _claim(
    case: Case, runs: list[Run], identity: str, first: Instruction, second: Instruction
) -> Iterator[Claim]:
    """What the repeats of a scenario on a host say of two steps."""
    waits = [waited for run in runs if (waited := _waited(run, first, second)) is not None]
    wait = summarise(waits)
    if wait is None or wait.median < MIN_WAIT:
        return
    run = runs[0]
    yield Claim(
        title=f"lines {first.line} and {second.line} wait for each other: both lock the cache "
        f"mount {identity}",
        confidence="proved",
        steps=(_place(first), _place(second)),
        evidence=(
            Evidence(kind="dockerfile", text=f"{describe(first, 90)}"),
            Evidence(kind="dockerfile", text=f"{describe(second, 90)}"),
            Evidence(
                kind="timing",
                text=f"{run.scenario} on {HOSTS}: both were in progress at the same time for "
                f"{_seconds(wait)}; only one could hold the mount, the other waited",
                data={"waited": waits},
                hosts=(run.host,),
                runs=tuple(one.id for one in runs),
            ),
            *loaded(case, run.host, runs),
        ),
        advice=f"If the tool allows it, use sharing=shared in lines {first.line} and "
        f"{second.line}; or give each an id of its own: id={identity.strip('/') or 'cache'}-2",
        hosts=(run.host,),
        backends=("buildkit",),
        scenarios=(run.scenario,),
        seconds=round(wait.median, 3),
        merge_key=identity,
        suspect=LockedMount(identity),
    )


def _waited(run: Run, first: Instruction, second: Instruction) -> float | None:
    """Seconds in which both steps were under way, None when not both were built."""
    steps = {step.id: step for step in run.steps}
    one, two = steps.get(_place(first)), steps.get(_place(second))
    if one is None or two is None or one.status != "miss" or two.status != "miss":
        return None
    return round(overlap_seconds(one, two), 3)


def _place(item: Instruction) -> StepId:
    return StepId(item.stage_index, item.index)


def _seconds(waits: Summary) -> str:
    if waits.grade == "shown":
        return " and ".join(f"{wait:.1f} s" for wait in waits.samples)
    return f"{waits.median:.1f} s ({waits.low:.1f} to {waits.high:.1f}, {len(waits.samples)} runs)"


RULE = Rule(
    id="mount-contention",
    order=250,
    title="sharing=locked makes parallel steps wait for each other",
    surprise="Two stages could run in parallel, and do not: only one step at a time can hold a "
    "cache mount with sharing=locked. The wait counts as the step's own time.",
    needs="A BuildKit run with the times of both steps.",
    applies="Two steps use one mount id, at least one of them with sharing=locked, and they were "
    "in progress at the same time.",
    proves="The engine's own times: while both are in progress, one of them waits.",
    advises="Use sharing=shared if the tool allows it, or give each step an id of its own.",
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
    paid="per-run",
    observe=observe,
    parts_hosts=False,
    suspect=LockedMount,
    untestable="it is about seconds, not about hits: compare runs with and without sharing=locked",
)
