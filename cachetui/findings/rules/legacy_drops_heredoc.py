"""The legacy builder takes a heredoc, drops its body, and builds another image."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_FOUND, LEGACY_COLD
from cachetui.records.step import StepId
from cachetui.records.versions import version_key

SINCE = (23, 0)
"""From this engine on the parser knows heredocs; before, it reads their lines as instructions."""


def observe(case: Case) -> Iterator[Claim]:
    items = [
        item
        for item in case.instructions("RUN", "COPY", "ADD", stages=range(case.last_stage + 1))
        if item.heredocs
    ]
    if not items:
        return
    steps = tuple(StepId(item.stage_index, item.index) for item in items)
    for run in case.of():
        facts = case.facts(run.host)
        engine = run.engine or (facts.engine if facts else "")
        if run.backend != "legacy" or run.status != "ok" or version_key(engine) < SINCE:
            continue
        lost = sum(map(_lines, items))
        yield Claim(
            title=f"the legacy builder dropped {_documents(len(items))} (line {items[0].line}) "
            "and built another image",
            confidence="proved",
            steps=steps,
            evidence=(
                *(
                    Evidence(
                        kind="dockerfile",
                        text=f"{describe(item)}, with {_count(_lines(item))} of heredoc",
                    )
                    for item in items[:3]
                ),
                Evidence(
                    kind="run",
                    text=f"the legacy builder of Docker Engine {engine} on {run.host} succeeded; "
                    f"it ran none of the {_count(lost)}",
                    data={"run": run.id, "engine": engine},
                ),
                *_sizes(case, run),
            ),
            advice="Do not release the image that the legacy builder made. Build with BuildKit: "
            f"DOCKER_BUILDKIT=1 docker build …; or write line {items[0].line} without a heredoc "
            "(`RUN a && b`, or COPY a script)",
            hosts=(run.host,),
            backends=("legacy",),
            scenarios=(run.scenario,),
        )


def _lines(item: Instruction) -> int:
    return sum(document.content.count("\n") for document in item.heredocs)


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def _documents(count: int) -> str:
    return "a heredoc" if count == 1 else f"{count} heredocs"


def _sizes(case: Case, run: Run) -> Iterator[Evidence]:
    for other in case.of(BUILDKIT_COLD, BUILDKIT_FOUND, host=run.host):
        if other.image is not None and run.image is not None:
            if other.image.bytes != run.image.bytes:
                yield Evidence(
                    kind="output",
                    text=f"the image has {run.image.bytes} bytes, BuildKit's has "
                    f"{other.image.bytes}",
                )
            return


RULE = Rule(
    id="legacy-drops-heredoc",
    order=150,
    title="The legacy builder drops the body of a heredoc and builds another image",
    surprise="The legacy builder of newer engines accepts `RUN <<EOF` and then runs `<<EOF` alone: "
    "the build succeeds, the body never runs. All heredocs with the same first line also share "
    "one cache entry.",
    needs="The Dockerfile, and a legacy run that succeeded on Engine 23 or later.",
    applies="A RUN has a heredoc, or a COPY has one beside other sources, in a stage that the "
    "legacy builder builds. Engine 20.10 rejects such a file instead, and newer engines do so for "
    "a COPY of nothing but a heredoc.",
    proves="The run that succeeded: what the builder runs then is known from the lab.",
    advises="Use BuildKit, or write the step without a heredoc.",
    written=(
        "moby builder/dockerfile/dispatchers.go, dispatchRun: CmdLine without Files",
        "our lab: 26.1, 28.5 and 28.5 with the containerd store; 20.10 refuses",
    ),
    example="FROM busybox\nRUN <<EOF\necho hello > /greeting\nEOF\nRUN ls /greeting || true\n",
    try_it="DOCKER_BUILDKIT=0 docker build . on Engine 23 or later: /greeting is not there.",
    observe=observe,
    compares=(BUILDKIT_COLD, LEGACY_COLD),
)
