"""Which instruction of an earlier Dockerfile is which of the one now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile, Stage
from cachetui.findings.variables import scope_at
from cachetui.findings.written_forms import CWD, Form, form
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
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


@dataclass(frozen=True)
class Version:
    """A Dockerfile and the build arguments (name to digest) that it was built with. `hasher` reads
    the digests."""

    file: Dockerfile
    given: Mapping[str, str] = field(default_factory=dict)
    hasher: ValueHasher | None = None

    def forms(self, backend: Backend) -> list[list[Form]]:
        """Of each stage, what makes its instructions equal, whatever their variables come to."""
        return [
            [form(item, backend, None, self.file.escape) for item in stage.instructions]
            for stage in self.file.stages
        ]

    def form(self, item: Instruction, backend: Backend) -> Form:
        """The form of an instruction with the values in force above it."""
        place = item.stage_index, item.index
        scope = scope_at(self.file, self.given, *place, backend, self.hasher)
        folder = scope.setting_values.get(CWD)
        values = scope.values if folder is None else {**scope.values, CWD: folder}
        shell = "SHELL" not in scope.settings
        return form(item, backend, values, self.file.escape, default_shell=shell)


def edits(before: Version, now: Version, backend: Backend = "legacy") -> tuple[Edit, ...]:
    """How a Dockerfile came to be what it is, stage by stage, in the order of now. What is one to
    the builder, only written in another way, is the same."""
    if before.file.text == now.file.text:
        return _unchanged(now.file)
    return tuple(_Comparison(before, now, backend).edits())


def _unchanged(now: Dockerfile) -> tuple[Edit, ...]:
    return tuple(
        Edit("same", item, item, StepId(stage.index, item.index))
        for stage in now.stages
        for item in stage.instructions
    )


class _Comparison:
    """Two versions of a Dockerfile, as a builder reads them."""

    def __init__(self, before: Version, now: Version, backend: Backend) -> None:
        self.before, self.now, self.backend = before, now, backend
        self.old, self.new = before.forms(backend), now.forms(backend)

    def edits(self) -> Iterator[Edit]:
        pairs = self._counterparts(self.before.file.stages, self.now.file.stages)
        for stage in self.now.file.stages:
            yield from self._stage(pairs.get(stage.index), stage)

    def _counterparts(self, before: Sequence[Stage], now: Sequence[Stage]) -> dict[int, Stage]:
        """Index of a stage now → the stage that it was: of the same name; else, of those left, the
        most alike, and of equals the one as far from the end; the last ones in any case."""
        named = {stage.name: stage for stage in before if stage.name is not None}
        counterparts = {stage.index: named[stage.name] for stage in now if stage.name in named}
        taken = {stage.index for stage in counterparts.values()}
        ranked = sorted(
            (
                (
                    self._alike(old, new),
                    -abs((len(before) - old.index) - (len(now) - new.index)),
                    old,
                    new,
                )
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
            # What is built by default, whatever became of it.
            counterparts[now[-1].index] = before[-1]
        return counterparts

    def _alike(self, old: Stage, new: Stage) -> float:
        """How much two stages have in common, from 0 to 1."""
        forms = self.old[old.index][1:], self.new[new.index][1:]
        return SequenceMatcher(None, *forms, autojunk=False).ratio()

    def _stage(self, before: Stage | None, now: Stage) -> Iterator[Edit]:
        old = before.instructions if before is not None else ()
        new = now.instructions
        forms = self.old[before.index] if before is not None else [], self.new[now.index]
        for kind, i, j, k, m in SequenceMatcher(None, *forms, autojunk=False).get_opcodes():
            if kind == "equal":
                yield from (
                    Edit("same", a, b, StepId(now.index, b.index))
                    for a, b in zip(old[i:j], new[k:m], strict=True)
                )
            else:
                yield from self._replaced(old[i:j], new[k:m], StepId(now.index, k))

    def _replaced(
        self, old: Sequence[Instruction], new: Sequence[Instruction], at: StepId
    ) -> list[Edit]:
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
                forms = self.before.form(twin, self.backend), self.now.form(item, self.backend)
                same = forms[0] == forms[1]
                replaced.append(Edit("same" if same else "changed", twin, item, place))
        return [*(Edit("removed", old_item, None, at) for old_item in left), *replaced]
