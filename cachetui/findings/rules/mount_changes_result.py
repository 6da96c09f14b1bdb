"""The result of a step depends on what its cache mount held."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case, told
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Claim, Question, Rule, answer
from cachetui.findings.rules.nondeterministic_step import missed, remade
from cachetui.instruction import Instruction
from cachetui.record import StepId


def explain(question: Question) -> Claim | None:
    makers = [item for item in remade(question) if item.cache_mounts]
    if not makers:
        return None
    return answer(
        question,
        title=_title(makers[-1]),
        confidence="possible",
        steps=tuple(StepId(item.stage_index, item.index) for item in makers),
        evidence=(
            *(Evidence(kind="dockerfile", text=told(item, 90)) for item in makers[:3]),
            missed(question),
            Evidence(
                kind="source",
                text="what a cache mount holds is in no key, and it was not the same in both",
            ),
        ),
        advice=_advice(makers[-1]),
        suspect={"kind": "mount", "line": makers[-1].line},
    )


def observe(case: Case) -> Iterator[Claim]:
    """Outputs compared: with the mount empty always the same, with it warm another."""
    for item in case.instructions("RUN") if case.outputs else ():
        step = StepId(item.stage_index, item.index)
        for host in case.document.hosts if item.cache_mounts else ():
            cold = [
                made
                for run in case.of("buildkit-cold", host=host.name)
                if (made := case.outputs.get((run.id, step))) is not None
            ]
            warm = [
                (run, made)
                for run in case.of("buildkit-mounts-warm", host=host.name)
                if (made := case.outputs.get((run.id, step))) is not None
            ]
            if len(set(cold)) != 1 or not warm or any(made in cold for _, made in warm):
                continue
            yield Claim(
                title=_title(item),
                confidence="proved" if len(cold) > 1 else "likely",
                steps=(step,),
                evidence=(
                    Evidence(kind="dockerfile", text=told(item, 90)),
                    Evidence(
                        kind="output",
                        text=f"on {host.name} {len(cold)} cold runs made one result, and "
                        f"{len(warm)} with the mount warm another (times left out)",
                    ),
                ),
                advice=_advice(item),
                hosts=(host.name,),
                backends=("buildkit",),
                scenarios=("buildkit-mounts-warm",),
                suspect={"kind": "mount", "line": item.line},
            )


def _title(item: Instruction) -> str:
    targets = ", ".join(mount.target for mount in item.cache_mounts)
    return f"what line {item.line} makes depends on what its cache mount {targets} held"


def _advice(item: Instruction) -> str:
    mount = item.cache_mounts[0]
    return (
        f"Let line {item.line} take from {mount.target} only what its tool checks (a lock file, "
        "hashes), and copy nothing of the mount into the image unchecked; until then treat images "
        "built on fresh and on old machines as different"
    )


RULE = Rule(
    id="mount-changes-result",
    title="The result depends on what the cache mount held",
    surprise="A cache mount is no input: no key has what it holds. A step that writes something "
    "else when the mount is warm gives machines different images under one key.",
    needs="A run with mounts cold and one with mounts warm (buildkit-cold, "
    "buildkit-mounts-warm), or their outputs.",
    applies="A COPY --from, or a mount from a stage, missed with mounts warm, all else above it "
    "hit, and what it takes was made by a RUN with a cache mount.",
    proves="Outputs: one with the mount empty, another with it warm; or an experiment that runs "
    "the step with an empty mount once more.",
    advises="Take from the mount only what is checked.",
    written=(
        "BuildKit solver/llbsolver/ops/exec.go: cache mounts are left out of the key",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS build\n"
    "RUN --mount=type=cache,target=/c echo x >> /c/log && wc -l < /c/log > /result\n"
    "FROM busybox\nCOPY --from=build /result /\n",
    try_it="cachetui run . --scenarios buildkit-mounts-warm",
    explain=explain,
    observe=observe,
)
