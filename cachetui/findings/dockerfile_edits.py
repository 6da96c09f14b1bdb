"""Which instruction of an earlier Dockerfile is which of the one now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile, Stage
from cachetui.records.step import StepId

LIKE_ENOUGH = 0.3
"""What stages of other names must have in common to be one that was changed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of an instruction: `before` None when it is new, `now` None when it is gone.
    For one that is gone, `at` is the place now that it stood above (the end of its stage: one
    past the last)."""

    kind: Literal["same", "changed", "added", "removed"]
    before: Instruction | None
    now: Instruction | None
    at: StepId


def edits(before: Dockerfile, now: Dockerfile) -> tuple[Edit, ...]:
    """How a Dockerfile came to be what it is, stage by stage, in the order of now."""
    if before.text == now.text:
        return _unchanged(now)
    all_edits: list[Edit] = []
    pairs = _counterparts(before.stages, now.stages)
    for stage in now.stages:
        all_edits += _stage(pairs.get(stage.index), stage)
    return tuple(all_edits)


def _unchanged(now: Dockerfile) -> tuple[Edit, ...]:
    return tuple(
        Edit("same", item, item, StepId(stage.index, item.index))
        for stage in now.stages
        for item in stage.instructions
    )


def _counterparts(before: Sequence[Stage], now: Sequence[Stage]) -> dict[int, Stage]:
    """Index of a stage now → the stage that it was: of the same name; else, of those left, the
    most alike, and of equals the one as far from the end; the last ones in any case."""
    named = {stage.name: stage for stage in before if stage.name is not None}
    counterparts = {stage.index: named[stage.name] for stage in now if stage.name in named}
    taken = {stage.index for stage in counterparts.values()}
    ranked = sorted(
        (
            (_alike(old, new), -abs((len(before) - old.index) - (len(now) - new.index)), old, new)
            for old in before
            for new in now
            if old.index not in taken and new.index not in counterparts
        ),
        key=lambda one: one[:2],
        reverse=True,
    )
    for alike, _, old, new in ranked:
        if alike >= LIKE_ENOUGH and old.index not in taken and new.index not in counterparts:
            counterparts[new.index] = old
            taken.add(old.index)
    if now[-1].index not in counterparts and before[-1].index not in taken:
        counterparts[now[-1].index] = before[-1]  # what is built by default, whatever became of it
    return counterparts


def _alike(old: Stage, new: Stage) -> float:
    """How much two stages have in common, from 0 to 1."""
    return SequenceMatcher(
        None, _keys(old.instructions[1:]), _keys(new.instructions[1:]), autojunk=False
    ).ratio()


def _stage(before: Stage | None, now: Stage) -> list[Edit]:
    old = before.instructions if before is not None else ()
    new = now.instructions
    places = SequenceMatcher(None, _keys(old), _keys(new), autojunk=False).get_opcodes()
    stage_edits: list[Edit] = []
    for kind, i, j, k, m in places:
        if kind == "equal":
            stage_edits += (
                Edit("same", a, b, StepId(now.index, b.index))
                for a, b in zip(old[i:j], new[k:m], strict=True)
            )
        else:
            stage_edits += _replaced(old[i:j], new[k:m], StepId(now.index, k))
    return stage_edits


def _replaced(old: Sequence[Instruction], new: Sequence[Instruction], at: StepId) -> list[Edit]:
    """Instructions of one keyword are one that changed, in order; the rest are new or gone."""
    left = list(old)
    replaced: list[Edit] = []
    for item in new:
        twin = next((old_item for old_item in left if old_item.keyword == item.keyword), None)
        place = StepId(at.stage_index, item.index)
        if twin is None:
            replaced.append(Edit("added", None, item, place))
        else:
            left.remove(twin)
            replaced.append(Edit("changed", twin, item, place))
    return [*(Edit("removed", old_item, None, at) for old_item in left), *replaced]


def _keys(items: Sequence[Instruction]) -> list[tuple[object, ...]]:
    """What makes two instructions equal. White space in a RUN is part of it: builders key its
    very text, continuation lines joined (lab, 20.10 and 28.5)."""
    return [
        (
            item.keyword,
            (*item.flags, *item.args) if item.keyword == "RUN" else " ".join(item.text.split()),
            tuple(doc.content for doc in item.heredocs),
        )
        for item in items
    ]
