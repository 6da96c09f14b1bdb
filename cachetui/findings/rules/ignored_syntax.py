"""A builder reads syntax of newer BuildKits, ignores it, and builds as if it were not there."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.builders.ignored_modes import ignored_modes
from cachetui.builders.legacy_limits import HEREDOC, ignored_syntax
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, join_names
from cachetui.records.run import Run
from cachetui.records.scenario import (
    BUILDKIT_COLD,
    BUILDKIT_FOUND,
    BUILDKIT_IMPORTED,
    LEGACY_COLD,
)
from cachetui.records.step import StepId

_MEANS = {
    "--exclude": "it copied what --exclude leaves out",
    "--parents": "it made no parent folders",
    "--unpack": "it unpacked what it unpacks without the flag",
    "--link": "the copy is no layer of its own, and follows links in its destination",
    "--checksum": "it did not compare the download with the checksum",
    "--keep-git-dir": "there is no .git",
}


def observe(case: Case) -> Iterator[Claim]:
    for run in case.of():
        facts = case.facts(run.host)
        engine = run.engine or (facts.engine if facts else "")
        ignored = ignored_syntax if run.backend == "legacy" else ignored_modes
        found = [
            (item, what)
            for item, what in ignored(case.dockerfile, case.document.build.target, engine)
            if item.stage_index >= 0 and _went_on(run, StepId(item.stage_index, item.index))
        ]
        if found:
            yield _claim(case, run, engine, found)


def _went_on(run: Run, at: StepId) -> bool:
    """Whether the builder built the step and went on: of a run that failed, it is not all."""
    if run.status == "ok":
        return True
    return any(step.id == at and step.status in ("hit", "miss") for step in run.steps)


def _claim(case: Case, run: Run, engine: str, found: list[tuple[Instruction, str]]) -> Claim:
    what = tuple(dict.fromkeys(one for _, one in found))
    line = found[0][0].line
    dropped = HEREDOC in what
    result = "built another image" if dropped else "built as if it were not there"
    failed = run.status != "ok"
    if failed:
        result = "failed in a later step"
    builder = "the legacy builder" if run.backend == "legacy" else "BuildKit"
    return Claim(
        title=f"{builder} ignored {join_names(what)} (line {line}) and {result}",
        confidence="likely" if failed else "proved",
        steps=tuple(dict.fromkeys(StepId(item.stage_index, item.index) for item, _ in found)),
        evidence=(
            *(Evidence(kind="dockerfile", text=_text(item, one)) for item, one in found[:3]),
            Evidence(
                kind="run",
                text=f"{builder} of Docker Engine {engine} on {HOSTS} "
                + (f"went on, and then failed: {run.reason}" if failed else "succeeded"),
                data={"engine": engine, "status": run.status},
                hosts=(run.host,),
                runs=(run.id,),
            ),
            *_sizes(case, run),
        ),
        advice=_advice(run, line, what),
        hosts=(run.host,),
        backends=(run.backend,),
        scenarios=(run.scenario,),
        merge_key=(*what, run.status),
    )


def _advice(run: Run, line: int, what: tuple[str, ...]) -> str:
    if run.backend == "buildkit":
        return (
            f"Do not release the image that {HOSTS} made. Write the mode in line {line} as an "
            "octal number of three digits, which every engine sets, or use RUN chmod; or build "
            "with a newer engine"
        )
    return (
        "Do not release the image that the legacy builder made. Build with BuildKit "
        f"(DOCKER_BUILDKIT=1 in the environment); or write line {line} without "
        f"{what[0]}" + (" (`RUN a && b`, or COPY a script)" if HEREDOC in what else "")
    )


def _text(item: Instruction, what: str) -> str:
    if "--chmod=" in what:
        return f"{describe(item)}: it set no mode, or not all of it, and said nothing"
    if what != HEREDOC:
        return f"{describe(item)}: {_MEANS[what]}"
    lines = sum(document.content.count("\n") for document in item.heredocs)
    count = "1 line" if lines == 1 else f"{lines} lines"
    return f"{describe(item)}: {count} of heredoc, of which it ran or copied none"


def _sizes(case: Case, run: Run) -> Iterator[Evidence]:
    if run.backend != "legacy":
        return
    for other in case.of(BUILDKIT_COLD, BUILDKIT_FOUND, BUILDKIT_IMPORTED, host=run.host):
        if other.image is not None and run.image is not None:
            if other.image.bytes != run.image.bytes:
                yield Evidence(
                    kind="output",
                    text=f"on {HOSTS} the image has {run.image.bytes} bytes, BuildKit's has "
                    f"{other.image.bytes}",
                    data={"legacy": run.image.bytes, "buildkit": other.image.bytes},
                    hosts=(run.host,),
                    runs=(run.id, other.id),
                )
            return


RULE = Rule(
    id="ignored-syntax",
    former_ids=("legacy-ignores-syntax", "legacy-drops-heredoc"),
    order=150,
    title="A builder ignores syntax of a newer BuildKit and builds as if it were not there",
    surprise="The legacy builder of newer engines has BuildKit's parser. It accepts `RUN <<EOF` "
    "and runs `<<EOF` alone: the build succeeds, the body never runs. The same goes for flags: "
    "`COPY --exclude` copies all, `ADD --checksum` compares nothing. What is ignored is in no "
    "cache key either: heredocs with the same first line share one cache entry. BuildKit of older "
    "engines does the same with modes: `COPY --chmod=u+x` and `--chmod=$MODE` set nothing.",
    needs="The Dockerfile, and a run that built the step: of the legacy builder on Engine 23 or "
    "later, or of BuildKit on Engine 26.1 or older.",
    applies="A RUN has a heredoc, or a COPY has one beside other sources; or a COPY or ADD has "
    "--link, --exclude, --parents, --checksum, --keep-git-dir or --unpack; in a stage that the "
    "legacy builder builds. An engine whose parser does not know it (Engine 20.10: all of these) "
    "rejects the file instead, and newer engines do so for a COPY of nothing but a heredoc. On "
    "BuildKit: --chmod of COPY or ADD that is not an octal number (`u+x`, `$MODE`), on Engine 26.1 "
    "and older, without a # syntax= line; and on 20.10 setuid, setgid and sticky bits. Between "
    "26.1 and 28.5 nothing was measured, and nothing is said.",
    proves="The run that succeeded: what the builder does then is known from the lab. That a run "
    "failed because of it is at most likely.",
    advises="Use BuildKit, a newer one, or write the step without it.",
    written=(
        "moby builder/dockerfile/dispatchers.go, dispatchRun: CmdLine without Files; dispatchCopy",
        "BuildKit frontend/dockerfile/dockerfile2llb/convert.go, dispatchCopy, of 0.8 and 0.13",
        "our lab: 26.1, 28.5 and 28.5 with the containerd store; 20.10 refuses",
    ),
    example="FROM busybox\nRUN <<EOF\necho hello > /greeting\nEOF\nRUN ls /greeting || true\n",
    try_it="DOCKER_BUILDKIT=0 docker build . on Engine 23 or later: /greeting is not there.",
    paid=None,
    observe=observe,
    compares=(BUILDKIT_COLD, LEGACY_COLD),
)
