"""A large fleet in which much differs at once, and nothing that cannot be.

Each host has a past: the base image it has, whether that was replaced since it built last, how much
of its cache was removed. A host whose base is not the one it built on misses all below it; one that
misses a step misses what follows in that stage, and what copies from it. Cold nothing hits, warm
all does.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

from msgspec.structs import replace

from cachetui.builders.builder import BuilderProbe
from cachetui.builders.buildkit import BUILDKIT
from cachetui.records.document import Document
from cachetui.records.host import BaseImage, HostEvidence, HostReport
from cachetui.records.run import Run
from tests import make_records as b
from tests.findings.making import audit, host, run

TEXT = """\
FROM base:1 AS deps
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
FROM base:1
ENV PATH=/deps/bin:$PATH
COPY --from=deps /deps /deps
COPY . /app
RUN python -m compileall -q /app
"""
DEPS, PROD = 3, 3
"""BuildKit's steps of each stage, FROM left out; the legacy builder has ENV as well."""

ENGINES: tuple[dict[str, Any], ...] = (
    {"engine": "23.0.6", "buildx": None, "store": "overlay2", "backends": ("legacy",)},
    {"engine": "26.1.5", "buildx": "0.13.1", "store": "overlay2"},
    {"engine": "28.5.2", "buildx": "0.29.1", "store": "containerd/overlayfs"},
)
MADE = ("2026-10-05T08:00:00Z", "2026-11-02T08:00:00Z", "2026-11-23T08:00:00Z")
"""When the image was made that most have, and those which it was replaced by."""

SCENARIOS = ("legacy-as-found", "buildkit-as-found", "buildkit-cold", "buildkit-warm")


def _why_missing(engine: str) -> str:
    return BUILDKIT.why_missing(BuilderProbe(engine, engine, None, ""))


def ragged_fleet(count: int = 200, seed: int = 7) -> Document:
    """`count` hosts, ci-1 and on; about one in 40 cannot be reached."""
    chance = random.Random(seed)
    hosts: list[HostReport] = []
    runs: list[Run] = []
    for number in range(1, count + 1):
        name = f"ci-{number}"
        if chance.random() < 0.025:
            hosts.append(b.unreachable(name))
            continue
        kind = chance.choices(ENGINES, (2, 5, 3))[0]
        load = round(chance.uniform(0, 9), 1)
        platform = "linux/arm64" if chance.random() < 0.1 else "linux/amd64"
        replaced = chance.random() < 0.15
        which = chance.choice((1, 2)) if replaced else 0
        base = hashlib.sha256(f"{platform} {which}".encode()).hexdigest()
        facts: dict[str, Any] = {f"facts_{key}": value for key, value in kind.items()}
        facts |= {"facts_load": load, "facts_platform": platform, "facts_engine_id": name}
        image = BaseImage(ref="base:1", id=f"sha256:{base}", created=MADE[which])
        evidence = HostEvidence(at=b.NOW, bases=(image,))
        hosts.append(host(name, {"base:1": (f"sha256:{base}",)}, evidence=evidence, **facts))
        deps = 0 if replaced else chance.choices((0, 1, 2, DEPS), (1, 1, 1, 9))[0]
        full = chance.random() < 0.02
        runs += [_run(name, each, kind, replaced, deps, full=full) for each in SCENARIOS]
    document = audit(TEXT, runs, hosts=hosts)
    build = replace(document.build, context_files=212, context_bytes=3_400_000)
    return replace(document, scenarios=SCENARIOS, build=build)


def _run(
    name: str, scenario: str, kind: dict[str, Any], replaced: bool, deps: int, *, full: bool
) -> Run:
    """What a host of this past does; `full` is a disk on which no build of all steps ends."""
    backend, _, how = scenario.partition("-")
    if backend == "buildkit" and kind["buildx"] is None:
        return b.unsupported(name, scenario, _why_missing(kind["engine"]))
    legacy = backend == "legacy"
    hits = {"cold": 0, "warm": DEPS}.get(how, deps)
    first = "h" * hits + "m" * (DEPS - hits)
    prod = PROD if how == "warm" or (how != "cold" and deps == DEPS) else 0
    then = "h" * prod + "m" * (PROD - prod)
    if how == "cold" and full:
        first, then = "mmf", "rrr"
    env = "m" if how == "as-found" and replaced else "h"
    return run(TEXT, first + (env if legacy else "") + then, host=name, scenario=scenario)
