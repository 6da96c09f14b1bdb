"""A graph driver's image store exports inline caches only."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.wording import join_names

ADVICE = (
    'Turn on the containerd image store on HOSTS ({"features": {"containerd-snapshotter": true}} '
    "in daemon.json; images and caches of the old store are then not seen); or build with a "
    "builder of its own: `docker buildx create --driver docker-container --use`; or export inline: "
    "`--build-arg BUILDKIT_INLINE_CACHE=1`"
)


def observe(case: Case) -> Iterator[Claim]:
    share = case.document.share
    facts = case.facts(share.exporter) if share is not None else None
    if share is None or facts is None or facts.store.startswith("containerd"):
        return
    kinds = [one.kind for one in share.exports if one.status == "unsupported"]
    kinds = [kind for kind in kinds if kind != "inline"]
    if not kinds or "buildkit" not in facts.backends:
        return
    yield Claim(
        title=f"{HOSTS} can export an inline cache alone, and not {join_names(kinds)}: its image "
        f"store is a graph driver's",
        confidence="proved",
        steps=(),
        evidence=(
            Evidence(
                kind="facts",
                text=f"Docker Engine {facts.engine}, image store {facts.store} on {HOSTS}",
                data={"engine": facts.engine, "store": facts.store},
                hosts=(share.exporter,),
            ),
        ),
        advice=ADVICE.replace("HOSTS", HOSTS),
        hosts=(share.exporter,),
        backends=("buildkit",),
    )


RULE = Rule(
    id="export-unsupported",
    order=500,
    title="A graph driver's image store exports inline caches only",
    surprise='`--cache-to type=registry` and type=local end at once with "Cache export is not '
    'supported for the docker driver" where images are kept by a graph driver such as overlay2, '
    "which is what hosts have that were set up before Docker Engine 29.",
    needs="`cachetui share`, and the image store of the host that exports.",
    applies="The host that was to export has a graph driver's image store, and registry or local "
    "caches were asked for.",
    proves="What the host says of its store, and what engines with such a store did in our lab.",
    advises="Use the containerd image store, a builder with the docker-container driver, or an "
    "inline cache.",
    written=(
        "buildx build/opt.go, toSolveOpt: Cache export is not supported for the docker driver",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nRUN echo x > /x\n",
    try_it="docker build --cache-to type=local,dest=cache . on both stores.",
    paid=None,
    observe=observe,
    untestable="the host's image store shows it",
)
