"""`RUN --mount` cannot run on the legacy builder."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe
from cachetui.records.step import StepId


def observe(case: Case) -> Iterator[Claim]:
    mounts = [
        item
        for item in case.instructions("RUN", stages=range(case.last_stage + 1))
        if item.mounts or "mount" in item.flag_names()
    ]
    if not mounts:
        return
    first = mounts[0]
    for run in case.document.runs:
        if run.backend != "legacy" or run.status not in ("unsupported", "failed"):
            continue
        reason = run.reason or ""
        if "--mount" not in reason and not reason.startswith(f"line {first.line}:"):
            continue
        yield Claim(
            title=f"RUN --mount (line {first.line}) needs BuildKit: the legacy builder cannot "
            "build this Dockerfile",
            confidence="proved",
            steps=tuple(StepId(item.stage_index, item.index) for item in mounts),
            evidence=(
                Evidence(kind="dockerfile", text=describe(first)),
                Evidence(
                    kind="run",
                    text=f"legacy on {HOSTS}: {reason}",
                    hosts=(run.host,),
                    runs=(run.id,),
                ),
            ),
            advice="Build with BuildKit (DOCKER_BUILDKIT=1 in the environment); a build that must "
            f"run on the legacy builder too must do without --mount in line {first.line}",
            hosts=(run.host,),
            backends=("legacy",),
            scenarios=(run.scenario,),
        )


RULE = Rule(
    id="mount-needs-buildkit",
    order=140,
    title="RUN --mount does not work with the legacy builder",
    surprise="The same Dockerfile builds on one machine and fails on another with `the --mount "
    "option requires BuildKit`: there DOCKER_BUILDKIT is 0, or the client has no buildx.",
    needs="The Dockerfile, and a legacy run that failed or was not possible.",
    applies="A RUN has --mount in a stage that the legacy builder builds: every stage down to the "
    "target, needed or not.",
    proves="The legacy builder's rejection, which is known from the lab on every engine and "
    "foreseen before a run starts.",
    advises="Use BuildKit, or do without the mount.",
    written=(
        "moby builder/dockerfile/dispatchers.go, dispatchRun: errRequiresBuildKit",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN --mount=type=cache,target=/cache ls /cache\n",
    try_it="DOCKER_BUILDKIT=0 docker build .",
    paid=None,
    observe=observe,
)
