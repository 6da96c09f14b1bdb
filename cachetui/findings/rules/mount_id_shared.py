"""Cache mounts of one id are one folder, whichever steps and stages name it."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.shared_mounts import shared_mounts
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, join_names
from cachetui.records.step import StepId


class SharedMount(Suspect, frozen=True, tag="mount-id"):
    """A cache mount that several steps use."""

    id: str


def observe(case: Case) -> Iterator[Claim]:
    ran = [run for run in case.of() if run.backend == "buildkit"]
    if not ran:
        return
    for identity, members in shared_mounts(case).items():
        items = [item for item, _ in members]
        stages = {item.stage_index for item in items}
        targets = {mount.target for _, mount in members}
        bases = {case.base(item.stage_index) for item in items}
        odd = []
        if len(targets) > 1:
            odd.append(f"they mount it at different targets ({join_names(sorted(targets))})")
        if len(bases) > 1:
            odd.append(f"they build on different images ({join_names(sorted(bases))})")
        where = "steps" if len(stages) == 1 else f"{len(stages)} stages"
        yield Claim(
            title=f"{len(items)} {where} share one cache mount, {identity}: each sees what the "
            "other leaves there",
            confidence="likely" if odd else "possible",
            steps=tuple(StepId(item.stage_index, item.index) for item in items),
            evidence=(
                *(Evidence(kind="dockerfile", text=describe(item)) for item in items[:4]),
                *(Evidence(kind="dockerfile", text=text) for text in odd),
                Evidence(
                    kind="source",
                    text="without id= a mount's id is its target; mounts with one id are one "
                    "folder on the host, shared with every other build there",
                ),
            ),
            advice=f"If they should not share, give each its own: "
            f"--mount=type=cache,id={_suggest(identity)}-{_name(case, items[1])},"
            f"target={members[1][1].target} in line {items[1].line}",
            hosts=tuple(dict.fromkeys(run.host for run in ran)),
            backends=("buildkit",),
            scenarios=(),
            merge_key=identity,
            suspect=SharedMount(identity),
        )


def _name(case: Case, item: Instruction) -> str:
    return case.dockerfile.stage_name(item.stage_index)


def _suggest(identity: str) -> str:
    return identity.strip("/").replace("/", "-") or "cache"


RULE = Rule(
    id="mount-id-shared",
    order=240,
    title="Steps or stages share a cache mount by its id",
    surprise="Two RUN steps that mount the same target share one folder on the host, within a "
    "build and between builds, whether that was intended or not.",
    needs="The Dockerfile, and a BuildKit run.",
    applies="Two different RUN steps of needed stages have cache mounts with one id and one "
    "origin.",
    proves="An experiment: one step leaves a file, the other finds it.",
    advises="Give each an id of its own if they should not share.",
    written=(
        "BuildKit frontend/dockerfile/dockerfile2llb/convert_runmount.go: default id",
        "BuildKit solver/llbsolver/mounts/mount.go, getRefCacheDir",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS a\nRUN --mount=type=cache,target=/cache touch /cache/a\n"
    "FROM busybox\nRUN --mount=type=cache,target=/cache ls /cache\n",
    try_it="docker build --target a . and then docker build . : the second finds the file.",
    paid=None,
    observe=observe,
    parts_hosts=False,
    suspect=SharedMount,
    untestable="it is about which steps share a mount, which the Dockerfile shows",
)
