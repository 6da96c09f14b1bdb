"""The result of a step depends on what its cache mount held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.audit_again import audit_again
from cachetui.findings.case import Case
from cachetui.findings.changing_values import changing_command
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence, Need
from cachetui.findings.remade_steps import copy_missed, makers_of, remade_runs, result_recurs
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import describe, host_names
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, Scenario
from cachetui.records.step import StepId


class MountContent(Suspect, frozen=True, tag="mount"):
    """What the cache mount of a RUN held when the step ran."""

    line: int


def explain(question: Question) -> Claim | None:
    """A copy of what a step with a cache mount made missed with the mount warm. That the same
    bytes come again in the next repeat, which begins with the mount empty, tells a step that
    depends on it from one that never makes the same twice."""
    makers = [item for item in remade_runs(question) if item.cache_mounts]
    again = result_recurs(question) if makers else None
    if not makers or again is False:
        return None
    evidence = [
        *(Evidence(kind="dockerfile", text=describe(item, 90)) for item in makers[:3]),
        copy_missed(question),
    ]
    if again:
        evidence.append(
            Evidence(
                kind="run",
                text="it hit in later repeats, each of which started with an empty mount: from "
                "that state the step makes the same bytes again",
                hosts=(question.run.host,),
            )
        )
    evidence.append(
        Evidence(kind="source", text="the content of a cache mount is not in the step's cache key")
    )
    return answer(
        question,
        title=_title(makers[-1]),
        confidence="likely" if again else "possible",
        steps=tuple(StepId(item.stage_index, item.index) for item in makers),
        evidence=evidence,
        advice=_advice(makers[-1]),
        suspect=MountContent(makers[-1].line),
    )


def observe(case: Case) -> Iterator[Claim]:
    """Outputs compared: with the mount empty always the same, with it warm always another. In the
    repeats of one host that proves it; in one repeat on each of several hosts it is likely."""
    for item in case.instructions("RUN", "COPY") if case.outputs else ():
        makers = [one for one in makers_of(case, item) if one.cache_mounts]
        if not makers:
            continue
        made = _made_by_host(case, StepId(item.stage_index, item.index))
        for host, (cold, warm) in made.items():
            if min(len(cold), len(warm)) > 1 and _depends(cold, warm):
                text = (
                    f"on {HOSTS} {len(cold)} cold runs made one result, and {len(warm)} runs with "
                    "the mount warm another (timestamps ignored)"
                )
                confidence: Confidence = "proved" if len(makers) == 1 else "likely"
                yield _observed(makers, (host,), confidence, text, (len(cold), len(warm)))
        yield from _alike(made, makers)


def _alike(made: _MadeByHost, makers: Sequence[Instruction]) -> Iterator[Claim]:
    """Hosts that made the same with the mount empty, and the same other result with it warm."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for host, (cold, warm) in made.items():
        if len({*cold}) == len({*warm}) == 1:
            hosts.setdefault((cold[0], warm[0]), []).append(host)
    for (cold_result, warm_result), names in hosts.items():
        if len(names) > 1 and cold_result != warm_result:
            text = (
                f"the cold runs on {HOSTS} made one result, and all runs there with the mount "
                "warm the same other one (timestamps ignored)"
            )
            once = tuple(name for name in names if min(map(len, made[name])) == 1)
            if once:  # the others are proved by themselves
                yield _observed(makers, once, "likely", text, (len(names), len(names)))


def _observed(
    makers: Sequence[Instruction],
    hosts: tuple[str, ...],
    confidence: Confidence,
    text: str,
    counts: tuple[int, int],
) -> Claim:
    data = {"cold": counts[0], "warm": counts[1]}
    return Claim(
        title=_title(makers[-1]),
        confidence=confidence,
        steps=tuple(StepId(one.stage_index, one.index) for one in makers),
        evidence=(
            *(Evidence(kind="dockerfile", text=describe(one, 90)) for one in makers[:3]),
            Evidence(kind="output", text=text, data=data, hosts=hosts),
        ),
        advice=_advice(makers[-1]),
        hosts=hosts,
        backends=("buildkit",),
        scenarios=(BUILDKIT_MOUNTS_WARM.name,),
        suspect=MountContent(makers[-1].line),
    )


_MadeByHost = dict[str, tuple[list[str], list[str]]]
"""By host the digests of a step's results: with the mount empty, and with it warm."""


def _made_by_host(case: Case, step: StepId) -> _MadeByHost:
    made = {
        host.name: (
            _made(case, BUILDKIT_COLD, host.name, step),
            _made(case, BUILDKIT_MOUNTS_WARM, host.name, step),
        )
        for host in case.document.hosts
    }
    return {host: both for host, both in made.items() if both[0] and both[1]}


def _depends(cold: Sequence[str], warm: Sequence[str]) -> bool:
    return len({*cold}) == len({*warm}) == 1 and cold[0] != warm[0]


def _made(case: Case, scenario: Scenario, host: str, step: StepId) -> list[str]:
    digests = (case.outputs.get((run.id, step)) for run in case.of(scenario, host=host))
    return [made for made in digests if made is not None]


def ask(case: Case) -> Iterator[Need]:
    """A miss that a cache mount or chance can be the reason of, and one repeat only."""
    for run in case.of(BUILDKIT_MOUNTS_WARM):
        for chain in case.chains[run.id]:
            question = Question(case, chain, (), None)
            makers = remade_runs(question)
            if not any(item.cache_mounts for item in makers) or any(map(changing_command, makers)):
                continue
            if result_recurs(question) is None:
                yield Need(
                    id="mount-changes-result",
                    text=f"{case.line(question.step.id)} missed with the mounts warm. --repeat 2 "
                    "tells whether a mount's content is the cause, or a step that never makes the "
                    "same result twice",
                    command=audit_again(
                        case, [run.host], "--scenarios", run.scenario, "--repeat", "2"
                    ),
                )
    yield from _ask_of_outputs(case)


def _ask_of_outputs(case: Case) -> Iterator[Need]:
    """One result with the mount empty and another with it warm, each seen once."""
    for item in case.instructions("RUN") if case.outputs else ():
        made = _made_by_host(case, StepId(item.stage_index, item.index))
        once = [host for host, (c, w) in made.items() if len(c) == len(w) == 1 and c != w]
        if item.cache_mounts and once and not any(_alike(made, [item])):
            yield Need(
                id="mount-changes-result",
                text=f"line {item.line} made another result with its mount warm than with it empty "
                f"on {host_names(once)}. --repeat 2 --outputs tells whether the mount's content is "
                "the cause, or a step that never makes the same result twice",
                command=audit_again(
                    case,
                    once,
                    "--scenarios",
                    f"{BUILDKIT_COLD.name},{BUILDKIT_MOUNTS_WARM.name}",
                    "--repeat",
                    "2",
                    "--outputs",
                ),
            )


def _title(item: Instruction) -> str:
    targets = ", ".join(mount.target for mount in item.cache_mounts)
    return f"the result of line {item.line} depends on what its cache mount {targets} held"


def _advice(item: Instruction) -> str:
    mount = item.cache_mounts[0]
    return (
        f"Let line {item.line} use only what its tool verifies from {mount.target} (a lock file, "
        "hashes), and copy nothing unverified from the mount into the image; until then treat "
        "images built on fresh and on old machines as different"
    )


RULE = Rule(
    id="mount-changes-result",
    order=220,
    title="The result of a step depends on what its cache mount held",
    surprise="The content of a cache mount is in no cache key. A step that writes something else "
    "when its mount is warm gives different machines different images under one key.",
    needs="Two repeats with mounts cold and warm (buildkit-cold, buildkit-mounts-warm), or their "
    "outputs.",
    applies="With mounts warm a COPY --from, or a mount from a stage, missed while everything "
    "above it hit; a RUN with a cache mount made what it takes; and it hit in the next repeat.",
    proves="The outputs of two repeats on one host: one result with the mount empty, another with "
    "it warm. (One repeat on each of several hosts makes it likely.) Or an experiment that runs "
    "the step with an empty mount once more.",
    advises="Take from the mount only what the tool checks.",
    written=(
        "BuildKit solver/llbsolver/ops/exec.go: cache mounts are left out of the key",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox AS build\n"
    "RUN --mount=type=cache,target=/c echo x >> /c/log && wc -l < /c/log > /result\n"
    "FROM busybox\nCOPY --from=build /result /\n",
    try_it="cachetui run . --scenarios buildkit-mounts-warm --repeat 2",
    paid="per-run",
    explain=explain,
    observe=observe,
    ask=ask,
    suspect=MountContent,
    compares=(BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM),
)
