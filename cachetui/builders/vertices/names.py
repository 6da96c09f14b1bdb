"""A vertex's printed name, and how well it fits a vertex that is expected.

A name is `[platform stage i/n] INSTRUCTION` (`dockerfile2llb/convert.go` prefixCommand): the
stage's name is missing when the file has one stage and no mounts or foreign images, `stage-k`
when it has none. `i` counts the stage's vertices: the base image, ONBUILD's, RUN, COPY, ADD and
WORKDIR, except a `WORKDIR /`, which has no vertex but is counted in `n`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.builders.vertices.expected import ExpectedVertex

_NAME = re.compile(
    r"\[(?:(?P<platform>[^\s\]]+/[^\s\]]+) )?(?:(?P<stage>[^\s\]]+) )? *"
    r"(?P<i>\d{1,6})/(?P<n>\d{1,6})\] (?P<onbuild>ONBUILD )?(?P<text>.*)\Z",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\\?\$(?:\w+|\\?\{[^}]*\})")


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
    parts = _NAME.match(name)
    if parts is None:
        return None
    return VertexName(
        platform=parts["platform"],
        stage=parts["stage"],
        i=int(parts["i"]),
        n=int(parts["n"]),
        onbuild=parts["onbuild"] is not None,
        text=parts["text"],
    )


def likeness(name: VertexName, expected: ExpectedVertex) -> int:
    """How well a name fits: 0 not at all, 1 the keyword, up to 4 the very text."""
    if name.keyword != expected.instruction.keyword:
        return 0
    if name.keyword == "FROM":
        return 4 if refers(expected.name[5:], name.text[5:]) else 1
    text = name.plain_text
    if text == expected.name:
        return 4
    written = expected.instruction.text
    if _squeeze(text) in (_squeeze(expected.name), _squeeze(written)):
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
        place = text.find(part, at)
        if place < 0 or (number == 0 and place > 0):
            return False
        at = place + len(part)
    return True


def _squeeze(text: str) -> str:
    """For comparing: no quotes or backslashes (the name is printed after the shell's lexer)."""
    return " ".join(re.sub(r"[\"'\\]", "", text).split())
