"""Another engine, frontend or store: what one builds, another refuses or builds otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachetui.builders.refusals import refusal
from cachetui.builders.unsupported import unsupported
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import DockerfileError
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import host_names
from cachetui.records.run import Run
from cachetui.records.step import StepId

_REFUSED = re.compile(
    r"dockerfile parse error|unknown flag|unknown instruction|requires BuildKit"
    r"|requires? (?:at least )?(?:API|engine|Dockerfile frontend)",
    re.IGNORECASE,
)
_LINE = re.compile(r"line (\d+)", re.IGNORECASE)
_KEY = re.compile(r"unexpected key '([^']+)'")


def observe(case: Case) -> Iterator[Claim]:
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in case.document.runs:
        if run.status in ("ok", "failed", "unsupported"):
            groups.setdefault((run.scenario, run.repeat), []).append(run)
    for runs in groups.values():
        well = [run for run in runs if run.status == "ok"]
        if well:
            for run in runs:
                claim = _claim(case, run, well) if run.status != "ok" else None
                if claim is not None:
                    yield claim


def _claim(case: Case, run: Run, well: list[Run]) -> Claim | None:
    """A run that was refused where others were not, and the engines differ."""
    here = case.facts(run.host)
    if here is None or run.backend not in here.backends:
        return None
    others = [r for r in well if _engine(case, r) != _engine(case, run)]
    if not others or any(_engine(case, r) == _engine(case, run) for r in well):
        return None
    foreseen = _foreseen(case, run)
    reason = run.reason or ""
    if foreseen is not None:
        item, reason = foreseen
    elif _refused(run):
        item = _at_line(case, reason)
    else:
        return None
    hosts = host_names([r.host for r in others])
    option = item is None and run.status == "unsupported"  # of docker_args
    what = f"this Dockerfile (line {item.line})" if item is not None else "this Dockerfile"
    what = f"with these docker_args ({reason})" if option else what
    return Claim(
        title=f"the Docker Engine of {HOSTS} cannot build {what}; {hosts} can",
        confidence="proved",
        steps=(StepId(item.stage_index, item.index),) if item is not None else (),
        evidence=(
            Evidence(
                kind="run",
                text=f"{run.scenario} on {HOSTS}: {reason}",
                data={"status": run.status},
                hosts=(run.host,),
                runs=(run.id,),
            ),
            *_engines(case, [run, *others]),
        ),
        advice="Upgrade docker and its buildx there; or remove the option from docker_args"
        if option
        else _advice(case, run, item),
        hosts=(run.host,),
        backends=(run.backend,),
        scenarios=(run.scenario,),
        merge_key=item.line if item is not None else reason if option else None,
    )


def _refused(run: Run) -> bool:
    """Whether the engine's own words say that it does not know something."""
    reason = run.reason or ""
    if run.status == "unsupported":
        return refusal([reason]) is not None
    return run.status == "failed" and not _ran(run) and _REFUSED.search(reason) is not None


def _ran(run: Run) -> bool:
    """Whether a step failed at its work: its words are not the engine's."""
    return any(step.status == "failed" and step.keyword == "RUN" for step in run.steps)


def _foreseen(case: Case, run: Run) -> tuple[Instruction | None, str] | None:
    """What is known, from the Dockerfile, that this engine's backend cannot build."""
    facts = case.facts(run.host)
    assert facts is not None
    target = case.document.build.target
    try:
        obstacle = unsupported(case.dockerfile, target, run.backend, facts.engine)
    except DockerfileError:
        return None
    if obstacle is None:
        return None
    return _instruction_at(case, obstacle.line), f"line {obstacle.line}: {obstacle.reason}"


def _instruction_at(case: Case, line: int) -> Instruction | None:
    for item in case.dockerfile.instructions:
        if item.line <= line <= item.end_line and item.stage_index >= 0:
            return item
    return None


def _at_line(case: Case, reason: str) -> Instruction | None:
    """The instruction of an engine's error: by its line, or the only one with its key."""
    line, key = _LINE.search(reason), _KEY.search(reason)
    if line is None and key is not None:
        written = [i for i in case.instructions("RUN") if any(key[1] in m for m in _keys(i))]
        return written[0] if written else None
    return _instruction_at(case, int(line[1])) if line else None


def _keys(item: Instruction) -> Iterator[list[str]]:
    for mount in item.mounts:
        yield [name for name, _ in mount.options]


def _engine(case: Case, run: Run) -> tuple[str, str]:
    facts = case.facts(run.host)
    return (facts.engine, facts.store.partition("/")[0]) if facts else ("", "")


def _engines(case: Case, runs: list[Run]) -> Iterator[Evidence]:
    for run in runs:
        facts = case.facts(run.host)
        if facts is not None:
            buildx = f"buildx {facts.buildx}" if facts.buildx else "no buildx"
            yield Evidence(
                kind="facts",
                text=f"Docker Engine {facts.engine}, {buildx} on {HOSTS}",
                data={"engine": facts.engine, "buildx": facts.buildx},
                hosts=(run.host,),
            )


def _advice(case: Case, run: Run, item: Instruction | None) -> str:
    head = f"Upgrade Docker Engine on {HOSTS}"
    if run.backend == "legacy":
        return f"{head}, or build with BuildKit there (DOCKER_BUILDKIT=1 in the environment)"
    if case.dockerfile.syntax is None:
        return (
            f"{head}; or make `# syntax=docker/dockerfile:1` the first line: then all engines use "
            "one frontend (an image that they must be able to pull)"
        )
    line = f" in line {item.line}" if item is not None else ""
    return f"{head}; or do without the feature that it does not support{line}"


RULE = Rule(
    id="engine-differs",
    order=420,
    title="Another engine, frontend or image store supports other features",
    surprise="One Dockerfile, two engines: an older frontend rejects what a newer one accepts, "
    "unless a `# syntax=` line gives both the same frontend.",
    needs="The versions of engine and buildx on the hosts; runs that succeeded on one host and not "
    "on another.",
    applies="An engine rejected the build, and the build succeeded only on hosts with another "
    "engine. The reason is known from the features of that engine, or from its own message (parse "
    "error, unknown flag).",
    proves="The engine's own rejection.",
    advises="Use `# syntax=docker/dockerfile:1`, or upgrade.",
    written=(
        "cachetui/builders/features.py: features by engine and frontend",
        "BuildKit releases of dockerfile/1.x",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nCOPY --link . /app\n",
    try_it="docker build . on Engine 20.10 and on a newer one.",
    paid=None,
    observe=observe,
)
