"""Differences between hosts: what one of them was built on, or never built."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.truth.changes import Change, kind
from tests.truth.model import Build
from tests.truth.truth import HOSTS, Cause

GONE = frozenset({"evicted-or-never-built"})


@kind("never-built-here")
def never_built_here(rng: Random, build: Build) -> Change:
    """One host never had the build, the others have."""
    host = rng.choice(HOSTS)
    typed = {name: None if name == host else build for name in HOSTS}
    cause = Cause(GONE, None, (), hosts=(host,))
    return Change(f"{host} never had the build", build, (cause,), typed=typed)


@kind("same-on-all")
def same_on_all(_rng: Random, build: Build) -> Change:
    """All hosts have it: nothing misses."""
    return Change("all hosts have it", build, typed=dict.fromkeys(HOSTS, build))


@kind("label-on-one-host")
def label_on_one_host(rng: Random, build: Build) -> Change | None:
    """One host was built on with another LABEL at the top of the last stage."""
    if build.target is not None:
        return None
    host = rng.choice(HOSTS)
    last = build.stages[-1]
    theirs, ours = (
        replace(
            build,
            stages=(
                *build.stages[:-1],
                replace(last, lines=(replace(last.lines[0], text=text), *last.lines)),
            ),
        )
        for text in ("LABEL release=one", "LABEL release=two")
    )
    cause = Cause(
        frozenset({"legacy-metadata-invalidates"}),
        frozenset({(len(build.stages) - 1, 1)}),
        (),
        ("legacy",),
        (host,),
    )
    typed = {name: theirs if name == host else ours for name in HOSTS}
    return Change(f"{host} has it with another LABEL", ours, (cause,), typed=typed)
