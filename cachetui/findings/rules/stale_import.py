"""A cache brought what the build would not make today."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.stale_words import day, what_differs
from cachetui.records.run import Run
from cachetui.records.stale import StaleCheck, StaleStep

ADVICE = (
    "Export the cache again from a build with --no-cache (or --no-cache-filter STAGE), for example "
    "every night; or pin the versions that the step installs, so that a new version changes its key"
)


def observe(case: Case) -> Iterator[Claim]:
    for check in case.document.stale:
        run = next((one for one in case.runs if one.id == check.imported), None)
        if run is None:
            continue
        for step in check.steps:
            ref = case.base(step.stage_index)
            yield _claim(check, step, ref, run.bases.get(ref), run)


def _claim(check: StaleCheck, step: StaleStep, ref: str, digest: str | None, run: Run) -> Claim:
    differ = what_differs(step)
    now = next((one.digest for one in run.bases_now if one.ref == ref), None)
    made = f", made on {day(step.made, run.started_at)}," if step.made is not None else ""
    evidence = [
        Evidence(
            kind="experiment",
            text=f"the same build without the import on {HOSTS}: line {step.line}: {differ}",
            data={"files": step.files, "paths": step.paths},
            hosts=(check.host,),
            runs=(check.imported, check.anew),
        )
    ]
    if digest is not None:
        evidence.append(
            Evidence(
                kind="facts",
                text=f"made on {digest}, which FROM {ref} means on {HOSTS}: on other layers the "
                "step would have missed",
                data={"digest": digest},
                hosts=(check.host,),
            )
        )
    if digest is not None and now is not None:
        same = "that image, too" if now == digest else f"another, {now}"
        evidence.append(
            Evidence(
                kind="facts",
                text=f"in its registry {ref} meant {same} right after the build, asked on {HOSTS}",
                data={"digest": now},
                hosts=(check.host,),
            )
        )
    return Claim(
        title=f"line {step.line} hit through an import on {HOSTS}, and the imported result{made} "
        f"is not what the build makes today: {differ}",
        confidence="proved" if step.packages else "possible",
        steps=(step.id,),
        evidence=tuple(evidence),
        advice=ADVICE
        if step.packages
        else "Compare the files (`cachetui outputs`): a step whose files differ in every build is "
        "no sign of an old cache. " + ADVICE,
        hosts=(check.host,),
        backends=("buildkit",),
        scenarios=(run.scenario,),
        merge_key=differ,
    )


RULE = Rule(
    id="stale-import",
    order=546,
    title="An imported step is as old as the build that exported it",
    surprise="`apt-get install openssl` hits as long as its text and the steps above it stay the "
    "same. With a shared cache it hits on every machine, a fresh one too: the image has last "
    "month's packages.",
    needs="`cachetui run --check-stale`.",
    applies="A step hit through an import, and the same build, run on the same host without any "
    "cache, gave another result.",
    proves="The lists of packages of the two images (dpkg, apk, pip, npm) differ. Other files may "
    "differ in every build: if only these differ, the finding is possible.",
    advises="Export from a build without cache on a schedule, or pin versions.",
    written=(
        "Docker documentation: Build cache invalidation, RUN",
        "our lab: 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM debian\nRUN apt-get update && apt-get install -y openssl\n",
    try_it="docker build --cache-to type=registry,ref=REF,mode=max . and, a month later on another "
    "machine, docker build --cache-from REF . and dpkg -l openssl in the image.",
    paid=None,
    observe=observe,
    untestable="--check-stale is the experiment",
)
