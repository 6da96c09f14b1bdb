"""Which instruction a BuildKit vertex is, by its printed name.

A name is `[platform stage i/n] INSTRUCTION` (`dockerfile2llb/convert.go` prefixCommand): the
stage's name is missing when the file has one stage and no mounts or foreign images, `stage-k`
when it has none. `i` counts the stage's vertices: the base image, ONBUILD's, RUN, COPY, ADD and
WORKDIR, except a `WORKDIR /`, which has no vertex but is counted in `n`. ONBUILD triggers come
right after the base; before BuildKit 0.16 nothing marks them and `n` does not count them, so
there `i` says more than `n`, and the texts say where the Dockerfile's own begin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.builders.expected_vertices import Shape
from cachetui.records.step import StepId

_NAME = re.compile(
    r"\[(?:(?P<platform>[^\s\]]+/[^\s\]]+) )?(?:(?P<stage>[^\s\]]+) )? *"
    r"(?P<i>\d{1,6})/(?P<n>\d{1,6})\] (?P<onbuild>ONBUILD )?(?P<text>.*)\Z",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\\?\$(?:\w+|\\?\{[^}]*\})")
MAX_TRIGGERS = 64
"""ONBUILD triggers of a base image that are looked for where nothing tells their number."""

MAX_VERTEXES = 2000
"""Vertices of a stage that are placed; no Dockerfile that the parser takes has as many."""


@dataclass(frozen=True, slots=True)
class VertexName:
    """The parts of a vertex's printed name. `stage` is None where none is printed."""

    platform: str | None
    stage: str | None
    i: int
    n: int
    onbuild: bool
    text: str

    @property
    def keyword(self) -> str:
        """The instruction in upper case; `LINK` of `COPY --link` is passed over."""
        words = self.text.split(None, 2)
        if len(words) > 1 and words[0] == "LINK" and words[1].upper() in ("COPY", "ADD"):
            return words[1].upper()
        return words[0].upper() if words else ""

    @property
    def plain_text(self) -> str:
        """The text without `LINK`."""
        return self.text.removeprefix("LINK ")


def parse_name(name: str) -> VertexName | None:
    """The parts of a Dockerfile step's name, None for any other vertex."""
    found = _NAME.match(name)
    if found is None:
        return None
    return VertexName(
        platform=found["platform"],
        stage=found["stage"],
        i=int(found["i"]),
        n=int(found["n"]),
        onbuild=found["onbuild"] is not None,
        text=found["text"],
    )


def likeness(vertex: VertexName, shape: Shape) -> int:
    """How well a name fits an instruction: 0 not at all, 1 the keyword, up to 4 the very text."""
    if vertex.keyword != shape.instruction.keyword:
        return 0
    if vertex.keyword == "FROM":
        return 4 if refers(shape.name[5:], vertex.text[5:]) else 1
    text = vertex.plain_text
    if text == shape.name:
        return 4
    written = shape.instruction.text
    if _squeeze(text) in (_squeeze(shape.name), _squeeze(written)):
        return 3
    if "$" in written and _follows(_squeeze(text), _VARIABLE.split(_squeeze(written))):
        return 2  # a variable of the base image: what it stands for is not known here
    return 1


def refers(written: str, printed: str) -> bool:
    """Whether a reference as written in a Dockerfile is the one that BuildKit prints in full."""
    first, slash, _ = written.partition("/")
    full = written
    if not slash:
        full = f"docker.io/library/{written}"
    elif "." not in first and ":" not in first and first != "localhost":
        full = f"docker.io/{written}"
    if "@" not in full and ":" not in full.rsplit("/", 1)[-1]:
        full += ":latest"
    return printed == full or printed.startswith(f"{full}@")


def _follows(text: str, parts: Sequence[str]) -> bool:
    """Whether the text begins with the first part and has the others after it, in order."""
    at = 0
    for number, part in enumerate(parts):
        found = text.find(part, at)
        if found < 0 or (number == 0 and found > 0):
            return False
        at = found + len(part)
    return True


def _squeeze(text: str) -> str:
    """For comparing: no quotes or backslashes (the name is printed after the shell's lexer)."""
    return " ".join(re.sub(r"[\"'\\]", "", text).split())


@dataclass(slots=True)
class _Layout:
    """One way in which a stage's vertices may be numbered.

    `offset` vertices of triggers come before the stage's own; `unknown`: the file does not tell
    of them. `skip`: the WORKDIRs that may have no vertex have none. `total` is the likeness of
    all names to where this layout puts them.
    """

    offset: int
    unknown: bool
    skip: bool
    total: float = 0.0


class Aligner:
    """Places the vertices of one stage as they are named; a later name can correct an earlier.

    `shapes` are the stage's FROM, then its triggers where they are known (`certain`: there are
    no others), then its own. Every layout's likeness is added up name by name, so the time is
    linear in the names.
    """

    def __init__(self, shapes: Sequence[Shape], certain: bool) -> None:
        self.certain = certain
        self._head = shapes[0]
        triggers = [s for s in shapes[1:] if s.id.trigger is not None]
        own = [s for s in shapes[1:] if s.id.trigger is None]
        self._with_vertex = {
            skip: (_having_vertex(triggers, skip), _having_vertex(own, skip))
            for skip in (False, True)
        }
        self.count = len(own) + (1 if self._head.vertex else 0)
        """Vertices that BuildKit counts in `n`, its triggers apart."""
        self._named: dict[str, VertexName] = {}
        self._layouts: list[_Layout] = []
        for skip in (False, True) if any(s.vertex is None for s in shapes[1:]) else (False,):
            known = len(self._with_vertex[skip][0])
            offsets = [(known, False), (0, False)] if known else [(0, False)]
            offsets += [(count, True) for count in range(1, MAX_TRIGGERS + 1)]
            self._layouts += [_Layout(offset, unknown, skip) for offset, unknown in offsets]
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

    def place(self, key: str) -> Shape | int | None:
        """The step of a vertex: a shape, or k for the k-th trigger where none is known."""
        name = self._named.get(key)
        return None if name is None else self._at(name, self._layout)

    @property
    def extra(self) -> dict[int, VertexName]:
        """Triggers that only the output tells of, by their number."""
        if not self._layout.unknown:
            return {}
        placed = ((self._at(name, self._layout), name) for name in self._named.values())
        return {place: name for place, name in placed if isinstance(place, int)}

    def _at(self, name: VertexName, layout: _Layout) -> Shape | int | None:
        if name.keyword == "FROM":
            return self._head
        position = name.i - 1 - (1 if self._head.vertex else 0)
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


def _having_vertex(shapes: Sequence[Shape], skip: bool) -> list[Shape]:
    return [s for s in shapes if s.vertex or (s.vertex is None and not skip)]
