"""The single changes, each with what engines make of it beyond the files that steps read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from tests.truth.model import Build, Entry, Line, Place
from tests.truth.truth import Cause


@dataclass(frozen=True)
class Change:
    """The build after it, why steps miss besides what they read, and what is done to hosts.

    `on_hosts` maps a host to what is done there before the second audit: a word that `hosts`
    knows. `about` says in words what was changed. `typed` is for a difference between hosts: what
    the users of each host built there themselves, with both builders, instead of a first audit;
    None is nothing.
    """

    about: str
    after: Build
    causes: tuple[Cause, ...] = ()
    on_hosts: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Build | None] | None = None


Maker = Callable[[Random, Build], Change | None]
"""Makes one change of a build; None where the build has nothing to change so."""

KINDS: dict[str, Maker] = {}


def kind(name: str) -> Callable[[Maker], Maker]:
    """Enter a maker under its name."""

    def enter(maker: Maker) -> Maker:
        KINDS[name] = maker
        return maker

    return enter


def changed_tree(build: Build, **entries: Entry | None) -> Build:
    """A build with these entries in its context; None takes one out."""
    return replace(
        build, tree={p: e for p, e in {**build.tree, **entries}.items() if e is not None}
    )


def with_line(build: Build, place: Place, *lines: Line) -> Build:
    """A build with the instruction at a place replaced by these."""
    number, index = place
    stage = build.stages[number]
    rows = (*stage.lines[: index - 1], *lines, *stage.lines[index:])
    stages = list(build.stages)
    stages[number] = replace(stage, lines=rows)
    return replace(build, stages=tuple(stages))


def places(build: Build, *keywords: str) -> list[Place]:
    """Where instructions of these keywords stand."""
    return [place for place, line in build.lines() if line.keyword in keywords]


def line_at(build: Build, place: Place) -> Line:
    return build.stages[place[0]].lines[place[1] - 1]
