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

from cachetui.backends.shapes import Shape

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
    if "$" in written and len(written) < 4096:
        # A variable of the base image: what it stands for is not known here.
        pattern = "".join(
            ".*" if _VARIABLE.fullmatch(part) else re.escape(part)
            for part in re.split(f"({_VARIABLE.pattern})", _squeeze(written))
        )
        if pattern.count(".*") <= 8 and re.match(pattern, _squeeze(text), re.DOTALL):
            return 2
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


def _squeeze(text: str) -> str:
    """For comparing: no quotes or backslashes (the name is printed after the shell's lexer)."""
    return " ".join(re.sub(r"[\"'\\]", "", text).split())


class Aligner:
    """Places the vertices of one stage as they are named; a later name can correct an earlier.

    `shapes` are the stage's FROM, then its triggers where they are known (`certain`: there are
    no others), then its own.
    """

    def __init__(self, shapes: Sequence[Shape], certain: bool) -> None:
        self.certain = certain
        self._head = shapes[0]
        self._triggers = [s for s in shapes[1:] if s.id.trigger is not None]
        self._own = [s for s in shapes[1:] if s.id.trigger is None]
        self._named: dict[str, VertexName] = {}
        self._skip = False  # whether doubtful WORKDIRs have no vertex
        self._offset = len(self._with_vertex(self._triggers))  # vertices of triggers
        self._unknown = False  # whether triggers are counted that the file does not tell of
        self.extra: dict[int, VertexName] = {}  # triggers that only the output tells of

    @property
    def count(self) -> int:
        """Vertices that BuildKit counts in `n`, its triggers apart."""
        return len(self._own) + (1 if self._head.vertex else 0)

    def add(self, key: str, name: VertexName) -> None:
        """Take the name of a vertex of this stage."""
        if len(self._named) >= MAX_VERTEXES:
            return
        self._named[key] = name
        if self._score([name]) < 3:
            self._fit()

    def place(self, key: str) -> Shape | int | None:
        """The step of a vertex: a shape, or k for the k-th trigger where none is known."""
        name = self._named.get(key)
        return None if name is None else self._at(name)

    def _at(self, name: VertexName) -> Shape | int | None:
        if name.keyword == "FROM":
            return self._head
        position = name.i - 1 - (1 if self._head.vertex else 0)
        if position < 0:
            return None
        if position < self._offset:
            if self._unknown:
                return position
            known = self._with_vertex(self._triggers)
            return known[position] if position < len(known) else position
        own = self._with_vertex(self._own)
        position -= self._offset
        return own[position] if position < len(own) else None

    def _with_vertex(self, shapes: list[Shape]) -> list[Shape]:
        return [s for s in shapes if s.vertex or (s.vertex is None and not self._skip)]

    def _score(self, names: Sequence[VertexName]) -> float:
        """The mean likeness of names to where they would be placed now."""
        total = 0.0
        for name in names:
            step = self._at(name)
            if isinstance(step, int):
                total += 2.5 if name.onbuild else 0.5
            elif step is not None:
                fits = likeness(name, step)
                is_trigger = step.id.trigger is not None
                total += fits if fits and (is_trigger or not name.onbuild) else -1
            else:
                total -= 1
        return total / len(names)

    def _fit(self) -> None:
        """Find the number of triggers, and of doubtful WORKDIRs, that the names fit best."""
        names = list(self._named.values())
        highest = max(name.i for name in names)
        most = min(MAX_TRIGGERS, highest)
        doubtful = any(s.vertex is None for s in (*self._own, *self._triggers))
        best = (self._score(names), self._offset, self._skip, self._unknown)
        for skip in (False, True) if doubtful else (False,):
            self._skip = skip
            known = len(self._with_vertex(self._triggers))
            options = [(0, False), (known, False)] if known else [(0, False)]
            options += [(count, True) for count in range(1, most + 1)]
            for self._offset, self._unknown in options:
                score = self._score(names)
                if score > best[0]:
                    best = (score, self._offset, self._skip, self._unknown)
        _, self._offset, self._skip, self._unknown = best
        self.extra = {}
        if self._unknown:
            for name in names:
                place = self._at(name)
                if isinstance(place, int):
                    self.extra[place] = name
