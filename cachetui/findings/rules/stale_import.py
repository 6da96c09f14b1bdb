"""A cache brought what the build would not make today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.stale_words import day, on_all, what_differs
from cachetui.records.run import Run
from cachetui.records.stale import StaleCheck, StaleStep
from cachetui.records.step import StepId

ADVICE = (
    "Export the cache again from a build with --no-cache (or --no-cache-filter STAGE), for example "
    "every night; or pin the versions that the step installs, so that a new version changes its key"
)


def observe(case: Case) -> Iterator[Claim]:
    runs = {run.id: run for run in case.runs}
    alike: dict[tuple[StepId, bool, bool], list[Stale]] = {}
    for check in case.document.stale:
        for step in check.steps:
            if check.imported in runs:
                found = Stale(check, step, runs[check.imported])
                kind = (step.id, step.unsure, bool(step.packages))
                alike.setdefault(kind, []).append(found)
    for every in alike.values():
        same = on_all([one.step for one in every])
        for one in every:
            yield _claim(case, one, same)


@dataclass(frozen=True)
class Stale:
    """A step that is stale on one host; `run` is the one with the import."""

    check: StaleCheck
    step: StaleStep
    run: Run


def _claim(case: Case, found: Stale, same: StaleStep) -> Claim:
    """`same` is what all hosts have in common."""
    check, step, run = found.check, found.step, found.run
    made = f", made on {day(same.made, run.started_at)}," if same.made is not None else ""
    how = "hit through an import or in its own cache" if step.unsure else "hit through an import"
    what = "what it left" if step.unsure else "the imported result"
    proved = bool(step.packages) and not step.unsure
    return Claim(
        title=f"line {step.line} {how} on {HOSTS}, and {what}{made} is not what the build makes "
        f"today: {what_differs(same)}",
        confidence="proved" if proved else "possible",
        steps=(step.id,),
        evidence=tuple(_evidence(case, found)),
        advice=ADVICE
        if step.packages
        else "Compare the files (`cachetui outputs`): a step whose files differ in every build is "
        "no sign of an old cache. " + ADVICE,
        hosts=(check.host,),
        backends=("buildkit",),
        scenarios=(run.scenario,),
    )


def _evidence(case: Case, found: Stale) -> Iterator[Evidence]:
    check, step, run = found.check, found.step, found.run
    yield Evidence(
        kind="experiment",
        text=f"the same build without the import on {HOSTS}: line {step.line}: "
        f"{what_differs(step)}",
        data={"files": step.files, "paths": step.paths},
        hosts=(check.host,),
        runs=(check.imported, check.anew),
    )
    ref = case.base(step.stage_index)
    digest = run.bases.get(ref)
    if digest is None:
        return
    yield Evidence(
        kind="facts",
        text=f"made on {digest}, which FROM {ref} means on {HOSTS}: on other layers the "
        "step would have missed",
        data={"digest": digest},
        hosts=(check.host,),
    )
    now = next((one.digest for one in run.bases_now if one.ref == ref), None)
    if now is not None:
        image = "that image, too" if now == digest else f"another, {now}"
        yield Evidence(
            kind="facts",
            text=f"in its registry {ref} meant {image} right after the build, asked on {HOSTS}",
            data={"digest": now},
            hosts=(check.host,),
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
    proves="The lists of packages of the two images (dpkg, apk, pip, npm) differ. It is only "
    "possible where no more than other files differ, which may in every build, and where the hit "
    "can be of the host's own cache.",
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
