"""A step is slower with its cache mount cold: what a fresh machine pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.compare.timings import (
    FEW,
    Difference,
    Summary,
    difference,
    samples,
    summarise,
)
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.audit_again import audit_again
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.host_load import loaded
from cachetui.findings.record import Confidence, Evidence, Need
from cachetui.findings.rule import Rule
from cachetui.findings.wording import describe, host_names
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM
from cachetui.records.step import StepId

COLD, WARM = BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM
MIN_SECONDS = 0.2
MIN_RATIO = 1.2
"""Smaller differences are not worth reporting, however sure they are."""


def observe(case: Case) -> Iterator[Claim]:
    for item in case.instructions("RUN"):
        for host in case.document.hosts if item.cache_mounts else ():
            claim = _claim(case, item, host.name)
            if claim is not None:
                yield claim


def _claim(case: Case, item: Instruction, host: str) -> Claim | None:
    step = StepId(item.stage_index, item.index)
    cold = samples(case.of(COLD, host=host), step)
    warm = samples(case.of(WARM, host=host), step)
    slowdown = difference(cold, warm, "with the mount warm")
    if slowdown is None or not _worth(slowdown):
        return None
    confidence: Confidence
    if slowdown.grade == "tested" and slowdown.finding == "slower":
        confidence = "proved"
    elif slowdown.grade == "range" and _far_apart(cold, warm):
        confidence = "likely"
    else:
        return None
    cold_summary, warm_summary = summarise(cold), summarise(warm)
    assert cold_summary is not None
    assert warm_summary is not None
    return Claim(
        title=f"line {item.line} takes longer when its cache mount is cold",
        confidence=confidence,
        steps=(step,),
        evidence=(
            Evidence(kind="dockerfile", text=describe(item, 90)),
            Evidence(
                kind="timing",
                text=f"{HOSTS}: {_seconds(cold_summary)} with the mount empty, "
                f"{_seconds(warm_summary)} "
                f"with the content that the cold build left: {slowdown.sentence()}",
                data={"cold": list(cold), "warm": list(warm), "p": slowdown.p},
                hosts=(host,),
            ),
            *loaded(case, host, case.of(COLD, WARM, host=host)),
        ),
        advice="A fresh machine pays this once. Fill the mount when a machine is set up "
        f"by a build with --target {_target(case, item)}, keep it from prunes (`docker builder "
        "prune` removes mounts too), or use a mirror or proxy nearby: no cache exporter includes "
        "cache mounts",
        hosts=(host,),
        backends=("buildkit",),
        scenarios=(COLD.name, WARM.name),
        seconds=round(slowdown.seconds, 3),
    )


def _far_apart(cold: Sequence[float], warm: Sequence[float]) -> bool:
    """Whether few samples lie further apart than either spreads: that they do not overlap alone
    is chance once in twenty for three a side."""
    gap = min(cold) - max(warm)
    return gap >= max(max(cold) - min(cold), max(warm) - min(warm), MIN_SECONDS)


def _worth(slowdown: Difference) -> bool:
    large = slowdown.ratio is None or slowdown.ratio >= MIN_RATIO
    return slowdown.seconds >= MIN_SECONDS and large


def _seconds(summary: Summary) -> str:
    """ "4.1 s (median 4.0 to 4.4, 3 runs)"."""
    what = "median" if summary.grade != "tested" else "median, 95% interval"
    spread = f"{what} {summary.low:.1f} to {summary.high:.1f}"
    return f"{summary.median:.1f} s ({spread}, {len(summary.samples)} runs)"


def _target(case: Case, item: Instruction) -> str:
    stage = case.dockerfile.stages[item.stage_index]
    return stage.name or "STAGE"


def ask(case: Case) -> Iterator[Need]:
    """Too few samples to claim what they seem to show."""
    for item in case.instructions("RUN"):
        if not item.cache_mounts:
            continue
        step = StepId(item.stage_index, item.index)
        faster: list[str] = []
        for host in case.document.hosts:
            cold = samples(case.of(COLD, host=host.name), step)
            warm = samples(case.of(WARM, host=host.name), step)
            if not cold or not warm or min(len(cold), len(warm)) >= FEW:
                continue
            if min(cold) - max(warm) >= MIN_SECONDS:
                faster.append(host.name)
        if faster:
            yield Need(
                id="cold-mount-slow",
                text=f"line {item.line} was faster with its mount warm than cold on "
                f"{host_names(faster)}: a claim needs {FEW} samples, --repeat {FEW} (a rank test "
                "needs --repeat 6)",
                command=audit_again(
                    case,
                    faster,
                    "--scenarios",
                    f"{COLD.name},{WARM.name}",
                    "--repeat",
                    str(FEW),
                ),
            )


RULE = Rule(
    id="cold-mount-slow",
    order=210,
    title="A step is slower when its cache mount is cold",
    surprise="A pipeline that takes one minute takes ten on a fresh machine: layers can be pulled "
    "from a registry, the content of cache mounts cannot.",
    needs="buildkit-cold and buildkit-mounts-warm with at least 3 repeats each.",
    applies="A RUN with a cache mount is slower when the mount is cold. With 3 to 5 samples: every "
    "cold sample is slower than every warm one, by more than either side spreads. With 6 or more: "
    "by a rank test. In both cases by at least 0.2 s and 20%.",
    proves="The rank test on 6 or more samples a side.",
    advises="Fill the mount when a machine is set up, keep it, or use a mirror.",
    written=("buildkit#1474: no exporter carries cache mounts", "our lab, all four engines"),
    example="FROM python:3-slim\n"
    "RUN --mount=type=cache,target=/root/.cache/pip pip install numpy\n",
    try_it="cachetui run . --repeat 6 --scenarios buildkit-mounts-warm",
    paid="per-fresh-host",
    observe=observe,
    parts_hosts=False,
    ask=ask,
)
