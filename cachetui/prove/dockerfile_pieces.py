"""A Dockerfile in pieces, to be changed in one place and put together again. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.step import StepId

_LINK = re.compile(
    r"\A(\s*(?:COPY|ADD)\b(?:\s+--[^\s=]+(?:=\S+)?)*?)\s+--link(?:=\S+)?(?=\s)", re.I
)


@dataclass(frozen=True, slots=True)
class Piece:
    """An instruction's own text. `lead` is what stands above it: comments, empty lines, the
    file's directives. `step` is its place in the file that it is from, None for a new one;
    `stage` is the stage that it stands in (-1 before the first FROM)."""

    stage: int
    step: StepId | None
    lead: str
    body: str


Pieces = tuple[Piece, ...]


def pieces(dockerfile: Dockerfile) -> Pieces:
    """The pieces of a file in order; joined they are its text, but for what follows the last."""
    lines = [f"{line}\n" for line in dockerfile.text.split("\n")]
    parts: list[Piece] = []
    done = 0
    for item in sorted(dockerfile.instructions, key=lambda one: one.line):
        lead = "".join(lines[done : item.line - 1])
        body = "".join(lines[item.line - 1 : item.end_line])
        step = StepId(item.stage_index, item.index)
        parts.append(Piece(item.stage_index, step, lead, body))
        done = item.end_line
    return tuple(parts)


def text(parts: Sequence[Piece]) -> str:
    """The pieces as a Dockerfile."""
    return "".join(_whole(part) for part in parts)


def _whole(part: Piece) -> str:
    end = "" if part.body.endswith("\n") else "\n"
    return f"{part.lead}{part.body}{end}"


def place(parts: Sequence[Piece], step: StepId) -> StepId:
    """Where a step of the original file stands now. Raises KeyError when it is gone."""
    counts: dict[int, int] = {}
    for part in parts:
        index = counts.get(part.stage, 0)
        if part.step == step:
            return StepId(part.stage, index)
        counts[part.stage] = index + 1
    raise KeyError(step)


def replaced(parts: Pieces, step: StepId, body: str | None) -> Pieces:
    """With another text for one instruction; None takes it out."""
    if body is None:
        return tuple(part for part in parts if part.step != step)
    return tuple(replace(part, body=body) if part.step == step else part for part in parts)


def inserted(parts: Pieces, above: StepId, body: str) -> Pieces:
    """With a new instruction right above one; at the end of its stage when there is none there."""
    changed: list[Piece] = []
    new = Piece(above.stage_index, None, "", body)
    waiting = True
    for part in parts:
        past = part.stage == above.stage_index and part.step == above
        if waiting and (past or part.stage > above.stage_index):
            changed.append(new)
            waiting = False
        changed.append(part)
    return (*changed, new) if waiting else tuple(changed)


def until(parts: Pieces, last: StepId, needed: Collection[int]) -> Pieces:
    """No further than `last`, and of stages that it does not need only their FROM, so that all
    keep their numbers."""
    return tuple(_until(parts, last, needed))


def _until(parts: Pieces, last: StepId, needed: Collection[int]) -> Iterator[Piece]:
    seen: set[int] = set()
    for part in parts:
        head = part.stage not in seen
        seen.add(part.stage)
        if part.stage in needed or part.stage < 0 or head:
            yield part
        if part.step == last:
            return


def salted(parts: Pieces, stages: Collection[int], body: str) -> Pieces:
    """With an instruction right below the FROM of each of these stages."""
    changed: list[Piece] = []
    for part in parts:
        changed.append(part)
        if part.step is not None and part.step.index == 0 and part.stage in stages:
            changed.append(Piece(part.stage, None, "", body))
    return tuple(changed)


def unlinked(parts: Pieces) -> Pieces:
    """With no `COPY --link`: such a step builds on none above, and would hit in any cache."""
    return tuple(replace(part, body=_LINK.sub(r"\1", part.body)) for part in parts)
