"""How the vertices of one stage are numbered, judged by all its names together.

ONBUILD triggers come right after the base image; before BuildKit 0.16 nothing marks them and `n`
does not count them, so there `i` says more than `n`, and the texts say where the Dockerfile's own
begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.builders.vertices.expected import ExpectedVertex
from cachetui.builders.vertices.names import VertexName, likeness
from cachetui.records.step import StepId

MAX_TRIGGERS = 64
"""ONBUILD triggers of a base image that are looked for where nothing tells their number."""

MAX_VERTEXES = 2000
"""Vertices of a stage that are placed; no Dockerfile that the parser takes has as many."""


@dataclass(slots=True)
class _Layout:
    """One way in which a stage's vertices may be numbered.

    `offset` vertices of triggers come before the stage's own; `unknown`: the file does not tell
    of them. `skip`: the WORKDIRs that may have no vertex have none. `headless`: the base is a named
    context, which `n` counts and `i` does not (lab: 26.1, 28.5). `total` is the likeness of all
    names to where this layout puts them.
    """

    offset: int
    unknown: bool
    skip: bool
    headless: bool = False
    total: float = 0.0


class StageAlignment:
    """Places the vertices of one stage as they are named; a later name can correct an earlier.

    `expected` are the stage's FROM, then its triggers where they are known (`certain`: there are
    no others), then its own. Every layout's likeness is added up name by name, so the time is
    linear in the names.
    """

    def __init__(self, expected: Sequence[ExpectedVertex], certain: bool) -> None:
        self.certain = certain
        self._head = expected[0]
        triggers = [s for s in expected[1:] if s.id.trigger is not None]
        own = [s for s in expected[1:] if s.id.trigger is None]
        self._with_vertex = {
            skip: (_having_vertex(triggers, skip), _having_vertex(own, skip))
            for skip in (False, True)
        }
        self.count = len(own) + (1 if self._head.vertex else 0)
        """Vertices that BuildKit counts in `n`, its triggers apart."""
        self._named: dict[str, VertexName] = {}
        self._layouts: list[_Layout] = []
        for skip in (False, True) if any(s.vertex is None for s in expected[1:]) else (False,):
            known = len(self._with_vertex[skip][0])
            offsets = [(known, False), (0, False)] if known else [(0, False)]
            offsets += [(count, True) for count in range(1, MAX_TRIGGERS + 1)]
            self._layouts += [_Layout(offset, unknown, skip) for offset, unknown in offsets]
            if self._head.vertex:
                self._layouts.append(_Layout(known, False, skip, headless=True))
        self._layout = self._layouts[0]

    def add(self, key: str, name: VertexName) -> None:
        """Take the name of a vertex of this stage."""
        if key in self._named or len(self._named) >= MAX_VERTEXES:
            return
        self._named[key] = name
        likes: dict[StepId, int] = {}
        for layout in self._layouts:
            layout.total += self._score(name, layout, likes)
        best = max(self._layouts, key=lambda layout: layout.total)
        if best.total > self._layout.total:
            self._layout = best

    def place(self, key: str) -> ExpectedVertex | int | None:
        """The step of a vertex: a vertex, or k for the k-th trigger where none is known."""
        name = self._named.get(key)
        return None if name is None else self._at(name, self._layout)

    @property
    def extra(self) -> dict[int, VertexName]:
        """Triggers that only the output tells of, by their number."""
        if not self._layout.unknown:
            return {}
        placed = ((self._at(name, self._layout), name) for name in self._named.values())
        return {place: name for place, name in placed if isinstance(place, int)}

    def _at(self, name: VertexName, layout: _Layout) -> ExpectedVertex | int | None:
        if name.keyword == "FROM":
            return self._head
        position = name.i - 1 - (1 if self._head.vertex and not layout.headless else 0)
        triggers, own = self._with_vertex[layout.skip]
        if position < 0:
            return None
        if position < layout.offset:
            known = position < len(triggers) and not layout.unknown
            return triggers[position] if known else position
        position -= layout.offset
        return own[position] if position < len(own) else None

    def _score(self, name: VertexName, layout: _Layout, likes: dict[StepId, int]) -> float:
        """The likeness of a name to where a layout puts it; `likes` keeps what was compared."""
        step = self._at(name, layout)
        if step is None:
            return -1
        if isinstance(step, int):
            return 2.5 if name.onbuild else 0.5
        if step.id not in likes:
            likes[step.id] = likeness(name, step)
        fits = likes[step.id]
        return fits if fits and (step.id.trigger is not None or not name.onbuild) else -1


def _having_vertex(expected: Sequence[ExpectedVertex], skip: bool) -> list[ExpectedVertex]:
    return [s for s in expected if s.vertex or (s.vertex is None and not skip)]
