"""A case: a kind of change and a seed, from which build and change follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.truth import (
    file_changes,
    host_changes,
    line_changes,
    option_changes,
    stage_changes,
)
from tests.truth.changes import KINDS, Change
from tests.truth.generate import generate
from tests.truth.model import Build
from tests.truth.truth import Cause, context_causes

ALL_KINDS = (file_changes, host_changes, line_changes, option_changes, stage_changes)
"""The modules whose kinds `KINDS` holds."""

TRIES = 400

NEVER_BUILT = Cause(frozenset({"evicted-or-never-built"}))
NEVER_BUILT_BY_LEGACY = replace(NEVER_BUILT, builders=("legacy",))


@dataclass(frozen=True)
class Case:
    """`name` is the kind and the seed ("file-mode:7"): it makes the same case again."""

    name: str
    before: Build
    change: Change
    typed_first: bool

    @property
    def causes(self) -> tuple[Cause, ...]:
        """All that is right to say of misses in the last audit."""
        files = () if self.change.typed else context_causes(self.before, self.change.after)
        buildable = self.before.has_mounts() and not self.change.after.has_mounts()
        first = (NEVER_BUILT_BY_LEGACY,) if buildable else ()
        return (*self.change.causes, *files, *first)

    @property
    def first_causes(self) -> tuple[Cause, ...]:
        """What is right in a first audit: no host had the build."""
        return (NEVER_BUILT,)


def case_of(name: str) -> Case:
    """The case of that name: builds are drawn until one can be changed so."""
    kind, _, seed = name.partition(":")
    rng = Random(name if seed else f"{name}:0")
    for _ in range(TRIES):
        build = generate(rng)
        change = KINDS[kind](rng, build)
        if change is not None:
            return Case(name, build, change, rng.random() < 0.25)
    raise ValueError(f"{name}: no build can be changed so")


def names(count: int, start: int = 0) -> Iterator[str]:
    """As many names, each kind in turn, so mixed that few cases show much."""
    kinds = Random(0).sample(sorted(KINDS), len(KINDS))
    for number in range(count):
        yield f"{kinds[number % len(kinds)]}:{start + number // len(kinds)}"
