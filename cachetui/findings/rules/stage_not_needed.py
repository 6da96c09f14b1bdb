"""A stage that the target does not need: BuildKit skips it, the legacy builder builds it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.step_seconds import seconds_of
from cachetui.records.run import Run
from cachetui.records.scenario import LEGACY_COLD, LEGACY_FOUND
from cachetui.records.step import StepId


def observe(case: Case) -> Iterator[Claim]:
    copied = _copied_by_triggers(case)
    for stage in case.dockerfile.stages[: case.last_stage]:
        if stage.index in case.needed or copied & {stage.name or "", str(stage.index)}:
            continue
        for run in case.of(LEGACY_COLD, LEGACY_FOUND):
            claim = _claim(case, run, stage.index)
            if claim is not None:
                yield claim


def _copied_by_triggers(case: Case) -> set[str]:
    """What ONBUILD triggers of base images copy or mount from: a stage of this file, where it has
    one of that name (our lab: the legacy builder everywhere; BuildKit on 28.5, not on 20.10 and
    26.1, which fail)."""
    items = [
        item
        for host in case.hosts
        for stage in case.dockerfile.stages
        for item in case.triggers(host, stage.index)
    ]
    names = [str(item.copy_from) for item in items if item.copy_from is not None]
    names += [mount.from_ for item in items for mount in item.mounts if mount.from_]
    return {name.lower() for name in names}


def _claim(case: Case, run: Run, stage: int) -> Claim | None:
    built = [step for step in run.steps if step.stage_index == stage and step.status == "miss"]
    built = [step for step in built if step.keyword != "FROM"]
    if not built:
        return None
    head = case.dockerfile.stages[stage].instructions[0]
    name = case.dockerfile.stage_name(stage)
    evidence = [
        Evidence(
            kind="run",
            text=f"the legacy builder on {HOSTS} built {len(built)} "
            f"step{'s' if len(built) > 1 else ''} of stage {name}",
            data={"steps": len(built)},
            hosts=(run.host,),
            runs=(run.id,),
        ),
        Evidence(
            kind="dockerfile",
            text=f"no stage that the target needs is built FROM it, copies from it or mounts it "
            f"(line {head.line})",
        ),
    ]
    hosts = [
        other.host
        for other in case.of()
        if other.backend == "buildkit"
        and other.host == run.host
        and any(s.stage_index == stage and s.status == "not-needed" for s in other.steps)
    ]
    if hosts:
        text = f"BuildKit on {HOSTS} ran no step of it"
        evidence.append(Evidence(kind="run", text=text, hosts=(run.host,)))
    return Claim(
        title=f"stage {name} (line {head.line}) is not needed: the legacy builder builds it, "
        "BuildKit does not",
        confidence="proved",
        steps=(StepId(stage, 0),),
        evidence=tuple(evidence),
        advice=f"Remove stage {name} (lines {head.line} to {_end(case, stage)}) from this "
        "Dockerfile, or move it below the target's stage; or build with BuildKit "
        "(DOCKER_BUILDKIT=1 in the environment)",
        hosts=(run.host,),
        backends=("legacy",),
        scenarios=(run.scenario,),
        consequences=tuple(step.id for step in built),
        seconds=seconds_of(built),
    )


def _end(case: Case, stage: int) -> int:
    return case.dockerfile.stages[stage].instructions[-1].end_line


RULE = Rule(
    id="stage-not-needed",
    order=130,
    title="Only the legacy builder builds a stage that the target does not need",
    surprise="The legacy builder builds every stage down to the target. BuildKit builds only the "
    "stages that the target is built FROM, copies from or mounts.",
    needs="A run of the legacy builder in which the stage was built.",
    applies="A stage above the target is not used by any stage that the target needs.",
    proves="The steps that the legacy builder ran, their seconds, and the Dockerfile.",
    advises="Remove the stage, move it below the target, or use BuildKit.",
    written=(
        "BuildKit frontend/dockerfile/dockerfile2llb/convert.go, allReachableStages",
        "moby builder/dockerfile/builder.go, dispatchDockerfileWithCancellation",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS docs\nRUN sleep 2\nFROM busybox\nRUN echo app\n",
    try_it="docker build it with DOCKER_BUILDKIT=0, then with 1: only the first sleeps.",
    paid="per-run",
    observe=observe,
    parts_hosts=False,
)
