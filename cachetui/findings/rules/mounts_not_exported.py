"""No exported cache has what is in cache mounts."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.shared_caches import cold_seconds, imports, ran_again, scenario
from cachetui.findings.wording import describe, join_names
from cachetui.records.share import ShareImport
from cachetui.records.step import StepId


def observe(case: Case) -> Iterator[Claim]:
    share = case.document.share
    for kind in share.kinds if share is not None else ():
        for _, one in imports(case, kind):
            yield from _claims(case, one)


def _claims(case: Case, one: ShareImport) -> Iterator[Claim]:
    """A claim for each RUN with cache mounts that ran on a host in spite of the import."""
    for item in ran_again(case, one):
        targets = [mount.target for mount in item.cache_mounts]
        if not targets:
            continue
        seconds = cold_seconds(case, one.host, item)
        took = f", {seconds:.1f} s" if seconds is not None else ""
        yield Claim(
            title=f"line {item.line} runs on {HOSTS} with an empty cache mount "
            f"({join_names(targets)}): no exported cache carries what is in one",
            confidence="proved",
            steps=(StepId(item.stage_index, item.index),),
            evidence=(
                Evidence(kind="dockerfile", text=describe(item, 90)),
                Evidence(
                    kind="experiment",
                    text=f"with nothing but the import of {one.kind} it ran on {HOSTS}",
                    data={"kind": one.kind},
                    hosts=(one.host,),
                ),
                Evidence(
                    kind="timing",
                    text=f"with empty mounts on {HOSTS}{took}",
                    data={"seconds": round(seconds, 3) if seconds is not None else None},
                    hosts=(one.host,),
                ),
            ),
            advice="Export with mode=max, so that the step need not run while its inputs are the "
            "same; for when they change, give fresh machines a proxy or mirror of the packages "
            "near to them, or copy what the mount holds from an image: "
            f"--mount=type=cache,from=IMAGE,target={targets[0]}",
            hosts=(one.host,),
            backends=("buildkit",),
            scenarios=(scenario(one.kind),),
            seconds=round(seconds, 3) if seconds is not None else None,
        )


RULE = Rule(
    id="mounts-not-exported",
    order=530,
    title="No exported cache carries what is in cache mounts",
    surprise="A fresh machine that imports a cache has the layers and none of the cache mounts: a "
    "RUN with --mount=type=cache that has to run there downloads everything again.",
    needs="`cachetui share` of a build with RUN --mount=type=cache.",
    applies="Such a RUN ran on a host with nothing but the import.",
    proves="The build with nothing but the import, in a mount namespace of its own.",
    advises="mode=max, so that the step need not run; a mirror of the packages near the "
    "machines; or a mount that begins with what an image holds (`from=`).",
    written=(
        "buildkit#1474: exporting cache mounts",
        "our lab: exported by 28.5 with the containerd store, imported by 26.1 and 28.5",
    ),
    example="FROM busybox AS deps\nRUN --mount=type=cache,target=/c "
    "sh -c '[ -e /c/x ] || sleep 5; echo > /c/x; echo > /x'\nFROM busybox\nCOPY --from=deps /x /\n",
    try_it="docker build --cache-to type=registry,ref=REF . on one machine; on another docker "
    "build --cache-from type=registry,ref=REF --target deps . sleeps.",
    paid="per-fresh-host",
    observe=observe,
    untestable="`cachetui share` is the experiment",
)
