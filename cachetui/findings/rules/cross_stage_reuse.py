"""An equal step in another stage: BuildKit builds it once, the legacy builder twice."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.findings.audit_again import audit_again
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence, Need
from cachetui.findings.rule import Rule
from cachetui.findings.step_seconds import seconds_of
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, host_names
from cachetui.records.run import Run
from cachetui.records.scenario import LEGACY_COLD, LEGACY_FOUND
from cachetui.records.step import Step, StepId


class EqualStep(Suspect, frozen=True, tag="twin"):
    """A step that equals one of another stage."""

    line: int


def observe(case: Case) -> Iterator[Claim]:
    for run in case.of():
        if run.backend != "buildkit":
            continue
        twins = [
            step
            for step in run.steps
            if step.twin is not None and step.keyword in BUILDKIT_KEYWORDS
        ]
        for step in _first(twins):
            assert step.twin is not None
            for legacy in case.of(LEGACY_COLD, LEGACY_FOUND, host=run.host):
                claim = _claim(case, step, step.twin, run, legacy)
                if claim is not None:
                    yield claim


def ask(case: Case) -> Iterator[Need]:
    """A cold run of the legacy builder runs equal steps twice in any case."""
    claims = [claim for claim in observe(case) if claim.confidence != "proved"]
    if claims and not case.of(LEGACY_FOUND):
        hosts = dict.fromkeys(host for claim in claims for host in claim.hosts)
        yield Need(
            id="cross-stage-reuse",
            text="a run without --no-cache shows whether the legacy builder builds equal steps "
            f"twice on {host_names([*hosts])}",
            command=audit_again(case, hosts, "--as-found"),
        )


def _first(twins: list[Step]) -> Iterator[Step]:
    """Of equal steps below each other the first: what follows is equal because of it."""
    seen: set[int] = set()
    for step in sorted(twins, key=lambda one: (one.stage_index, one.index)):
        if step.stage_index not in seen:
            seen.add(step.stage_index)
            yield step


def _claim(case: Case, step: Step, other: StepId, run: Run, legacy: Run) -> Claim | None:
    first, second = case.instruction(other), case.instruction(step.id)
    if first is None or second is None:
        return None
    between = _parts(case, first, second)
    if between is None:
        return None
    built = {s.id: s for s in legacy.steps if s.status == "miss"}
    again = [
        built[s.id]
        for s in run.steps
        if s.twin is not None
        and s.stage_index == step.stage_index
        and s.id in built
        and s.twin in built
    ]
    if step.id not in built or other not in built:
        return None
    as_found = legacy.kind.as_found
    return Claim(
        title=f"line {second.line} is the same step as line {first.line}: BuildKit built it once, "
        "the legacy builder twice",
        confidence="proved" if as_found else "likely",
        steps=(step.id,),
        evidence=(
            Evidence(
                kind="run",
                text=f"BuildKit on {HOSTS} has one vertex for {describe(first)} and line "
                f"{second.line}",
                hosts=(run.host,),
                runs=(run.id,),
            ),
            Evidence(
                kind="run",
                text=f"the legacy builder on {HOSTS} ran both"
                + ("" if as_found else " (with --no-cache, under which it runs both in any case)"),
                hosts=(legacy.host,),
                runs=(legacy.id,),
            ),
            Evidence(
                kind="dockerfile",
                text=f"for the legacy builder the difference is {describe(between)}, which is "
                "above one of them and not above the other",
            ),
        ),
        advice=f"Put the common part into a stage of its own, and start both stages FROM it; or "
        f"move line {between.line} below line {second.line}; or build with BuildKit "
        "(DOCKER_BUILDKIT=1 in the environment)",
        hosts=(legacy.host,),
        backends=("legacy",),
        scenarios=(legacy.scenario,),
        consequences=tuple(s.id for s in again if s.id != step.id),
        seconds=seconds_of(again),
        suspect=EqualStep(second.line),
    )


def _parts(case: Case, first: Instruction, second: Instruction) -> Instruction | None:
    """The instruction at which the two part for the legacy builder; None where they do not: it
    reuses an equal chain of images, whatever stage it is in."""
    one, two = _above(case, first), _above(case, second)
    for mine, theirs in zip(one, two, strict=False):
        if _words(mine) != _words(theirs):
            return theirs if theirs.keyword not in BUILDKIT_KEYWORDS else mine
    if len(one) != len(two):
        return (two if len(two) > len(one) else one)[min(len(one), len(two))]
    return None


def _above(case: Case, item: Instruction) -> list[Instruction]:
    """All instructions of the chain from the base image down to this one."""
    stage = case.dockerfile.stages[item.stage_index]
    chain = list(stage.instructions[1 : item.index + 1])
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = case.dockerfile.stages[stage.base_stage]
        chain = [*stage.instructions[1:], *chain]
    return chain


def _words(item: Instruction) -> tuple[str, ...]:
    return (item.keyword, *item.rest.split())


RULE = Rule(
    id="cross-stage-reuse",
    order=120,
    title="BuildKit reuses an equal step of another stage; the legacy builder does not",
    surprise="BuildKit identifies a step by what it does and what it builds on, so equal steps in "
    "two stages are one. The legacy builder reuses chains of images: with one LABEL in between, "
    "or one ENV that comes to the same value, it builds everything again.",
    needs="A BuildKit run in which two steps shared a vertex, and a legacy run of both.",
    applies="BuildKit has the two steps as one, and for the legacy builder the lines above them "
    "differ. With equal lines above, the legacy builder reuses the step too.",
    proves="A legacy run without --no-cache that built both; otherwise an experiment.",
    advises="Put the common part into a stage of its own, or use BuildKit.",
    written=(
        "BuildKit solver/llbsolver/vertex.go: a vertex is the digest of operation and inputs",
        "moby builder/dockerfile/imageprobe.go",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS test\nRUN sleep 2 && echo tools > /tools\nRUN cat /tools\n"
    "FROM busybox\nLABEL role=app\nRUN sleep 2 && echo tools > /tools\n"
    "COPY --from=test /tools /from-test\n",
    try_it="docker build it with DOCKER_BUILDKIT=0, then with 1: the second sleeps once.",
    paid="per-run",
    observe=observe,
    parts_hosts=False,
    ask=ask,
    suspect=EqualStep,
    untestable="a run without --no-cache shows it: run the audit again with --as-found",
)
