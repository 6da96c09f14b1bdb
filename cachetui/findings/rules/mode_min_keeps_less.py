"""`mode=min` exports the layers of the image, and no other stage."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.rule import Rule
from cachetui.findings.shared_caches import keeps_less

ADVICE = "Export with mode=max: --cache-to type=registry,ref=REF,mode=max"


def observe(case: Case) -> Iterator[Claim]:
    return keeps_less(case, "registry-min", "has only what is in the image", ADVICE)


RULE = Rule(
    id="mode-min-keeps-less",
    order=510,
    title="A cache of mode=min has no stage that is only copied from",
    surprise="mode=min, the default of --cache-to, exports only the layers of the image. The "
    "stage that installs and compiles, from which the last one copies, is not in it. With nothing "
    "changed all steps print CACHED all the same.",
    needs="`cachetui share` with registry-min, and registry-max or local-max.",
    applies="A RUN ran again on a host with nothing but the import of registry-min, when its stage "
    "was built for itself, and did not with a cache of mode=max.",
    proves="Builds with nothing but the import: an extra host name keeps a host's own cache apart.",
    advises="Export with `--cache-to type=registry,ref=REF,mode=max`.",
    written=(
        "Docker documentation: Cache storage backends, Cache mode",
        "our lab: exported by 28.5 with the containerd store, imported by 26.1 and 28.5",
    ),
    example="FROM busybox AS deps\nRUN sleep 5 && echo deps > /deps\n"
    "FROM busybox\nCOPY src /src\nCOPY --from=deps /deps /\n",
    try_it="docker build --cache-to type=registry,ref=REF . on one machine; on another change src "
    "and docker build --cache-from type=registry,ref=REF . runs the sleep again.",
    paid="per-fresh-host",
    observe=observe,
    untestable="`cachetui share` is the experiment",
)
