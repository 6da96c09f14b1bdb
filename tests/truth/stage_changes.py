"""Changes of what stages stand on: FROM, ONBUILD triggers, the end of a stage below another."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.truth.changes import Change, kind, with_line
from tests.truth.generate import BASE, ONBUILD
from tests.truth.model import Build, Line, Stage
from tests.truth.truth import HOSTS, Cause

CHANGED = frozenset({"build-changed"})
METADATA = CHANGED | {"legacy-metadata-invalidates"}
GONE = frozenset({"evicted-or-never-built"})
FILTERS = ("mid", "new", "ctd")
"""Hosts whose client knows --no-cache-filter."""


def _with_stage(build: Build, number: int, stage: Stage) -> Build:
    stages = list(build.stages)
    stages[number] = stage
    return replace(build, stages=tuple(stages))


def _stands(build: Build, number: int) -> list[int]:
    """The stages that are FROM a stage of the build."""
    name = build.stages[number].name
    return [other for other, stage in enumerate(build.stages) if stage.base == name]


@kind("from-other-stage")
def from_other_stage(rng: Random, build: Build) -> Change | None:
    """FROM names a stage where it named an image, or an image where it named a stage."""
    found = [n for n, stage in enumerate(build.stages) if n and not stage.triggers]
    if not found:
        return None
    number = rng.choice(found)
    stage = build.stages[number]
    others = [one.name for one in build.stages[:number]]
    base = BASE if stage.base in others else rng.choice(others)
    after = _with_stage(build, number, replace(stage, base=base))
    causes = (
        Cause(CHANGED, frozenset({(number, 0)})),
        Cause(GONE, None, ("did not need",), ("buildkit",)),
    )
    return Change(f"FROM {base} in place of {stage.base}", after, causes)


@kind("base-with-triggers")
def base_with_triggers(rng: Random, build: Build) -> Change | None:
    """FROM names an image of the same layers with triggers, or one without."""
    found = [n for n, stage in enumerate(build.stages) if stage.base in (BASE, ONBUILD)]
    if not found:
        return None
    number = rng.choice(found)
    stage = build.stages[number]
    base, reads = (ONBUILD, ("trigger.txt",)) if stage.base == BASE else (BASE, ())
    after = _with_stage(build, number, replace(stage, base=base, triggers=reads))
    cause = Cause(CHANGED, frozenset({(number, 0)}))
    return Change(f"FROM {base} in place of {stage.base}", after, (cause,))


@kind("triggers-of-base")
def triggers_of_base(rng: Random, build: Build) -> Change | None:
    """The base image is another, of the same layers, with other triggers."""
    steps = frozenset((n, 0) for n, stage in enumerate(build.stages) if stage.base == ONBUILD)
    if not steps:
        return None
    hosts = HOSTS if rng.random() < 0.5 else (rng.choice(HOSTS),)
    cause = Cause(frozenset({"base-drift"}), steps, ("truth-onbuild",), hosts=hosts)
    about = f"base with other triggers on {', '.join(hosts)}"
    return Change(about, build, (cause,), dict.fromkeys(hosts, "other-triggers"))


@kind("onbuild-inserted")
def onbuild_inserted(rng: Random, build: Build) -> Change | None:
    """An ONBUILD at the end of a stage that another is FROM, or in any other."""
    number = rng.randrange(len(build.stages))
    stage = build.stages[number]
    body = rng.choice(("RUN echo trigger", "ENV T=one", "COPY top.txt /triggered"))
    place = (number, len(stage.lines) + 1)
    after = _with_stage(
        build, number, replace(stage, lines=(*stage.lines, Line(f"ONBUILD {body}")))
    )
    cause = Cause(METADATA, frozenset({place}), ("ONBUILD",))
    return Change(f"ONBUILD {body} at the end of {stage.name}", after, (cause,))


@kind("last-line-removed")
def last_line_removed(rng: Random, build: Build) -> Change | None:
    """Of a stage that another is FROM, and none copies from."""
    found = [
        n
        for n, stage in enumerate(build.stages)
        if _stands(build, n) and f"--from={stage.name} " not in build.dockerfile
    ]
    if not found:
        return None
    number = rng.choice(found)
    stage = build.stages[number]
    line = stage.lines[-1]
    after = with_line(build, (number, len(stage.lines)))
    cause = Cause(METADATA, None, (line.keyword,))
    return Change(f"{line.text!r} at the end of {stage.name} removed", after, (cause,))


@kind("no-cache-filter")
def no_cache_filter(rng: Random, build: Build) -> Change:
    """A stage that is never looked up; what is no stage's name is ignored."""
    names = [stage.name for stage in build.stages]
    name = rng.choice([*names, "nowhere", "0"])
    args = (*build.docker_args, "--no-cache-filter", name.upper())
    cause = Cause(CHANGED, None, ("--no-cache-filter",), ("buildkit",), FILTERS)
    unknown = Cause(
        frozenset({"engine-differs"}), None, ("--no-cache-filter",), ("buildkit",), ("old",)
    )
    causes = (cause, unknown) if name in names else (unknown,)
    return Change(f"--no-cache-filter {name}", replace(build, docker_args=args), causes)
