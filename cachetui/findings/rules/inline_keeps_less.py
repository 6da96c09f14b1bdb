"""An inline cache has the layers of the image, and no other stage."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case
from cachetui.findings.claim import Claim
from cachetui.findings.rule import Rule
from cachetui.findings.shared_caches import keeps_less

ADVICE = (
    "Export a separate cache besides the image: --cache-to type=registry,ref=REF,mode=max "
    "(inline has no mode=max)"
)


def observe(case: Case) -> Iterator[Claim]:
    return keeps_less(case, "inline", "has only what is in the image", ADVICE)


RULE = Rule(
    id="inline-keeps-less",
    order=520,
    title="An inline cache has no stage that is only copied from",
    surprise="BUILDKIT_INLINE_CACHE=1 (`--cache-to type=inline`) writes the keys of the image's "
    "own layers into it, always as mode=min does. Stages from which the last one copies are not in "
    "the image, so they are not in its cache.",
    needs="`cachetui share` with inline, and registry-max or local-max.",
    applies="A RUN ran again on a host with nothing but the import of the image, when its stage "
    "was built for itself, and did not with a cache of mode=max.",
    proves="Builds with nothing but the import: an extra host name keeps a host's own cache apart.",
    advises="Export with `--cache-to type=registry,ref=REF,mode=max` as well.",
    written=(
        "Docker documentation: Cache storage backends, Inline cache",
        "our lab: exported by 26.1 and 28.5, imported by both",
    ),
    example="FROM busybox AS deps\nRUN sleep 5 && echo deps > /deps\n"
    "FROM busybox\nCOPY src /src\nCOPY --from=deps /deps /\n",
    try_it="docker build --build-arg BUILDKIT_INLINE_CACHE=1 -t REF --push . on one machine; on "
    "another change src and docker build --cache-from REF . runs the sleep again.",
    paid="per-fresh-host",
    observe=observe,
    untestable="`cachetui share` is the experiment",
)
