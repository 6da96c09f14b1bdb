"""Which instruction of an earlier Dockerfile is which of the one now."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile, Stage
from cachetui.findings.scope import GUESSES, Guess, Scope, references
from cachetui.findings.variables import scopes_of
from cachetui.findings.written_forms import Form, StageOf, form, form_in
from cachetui.records.backend import Backend
from cachetui.records.digest import ValueHasher
from cachetui.records.step import StepId

LIKE_ENOUGH = 0.3
"""What stages of other names must have in common to be one that was changed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of an instruction: `before` None when it is new, `now` None when it is gone.
    For one that is gone, `at` is the place now that it stood above (the end of its stage: one
    past the last). Not `sure`: by what a variable comes to that the base image may set. `by_files`:
    only what it copies or mounts is written otherwise, and its key has that by the files alone."""

    kind: Literal["same", "changed", "added", "removed"]
    before: Instruction | None
    now: Instruction | None
    at: StepId
    sure: bool = True
    by_files: bool = False


_EXPANDED = frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
"""Instructions in which the builder puts in variables before it looks up the key."""


@dataclass(frozen=True)
class Version:
    """A Dockerfile and the build arguments (name to digest) that it was built with. `hasher` reads
    the digests."""

    file: Dockerfile
    given: Mapping[str, str] = field(default_factory=dict)
    hasher: ValueHasher | None = None
    _scopes: dict[Hashable, tuple[Scope, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def forms(self, backend: Backend) -> list[list[Form]]:
        """Of each stage, what makes its instructions equal, whatever their variables come to."""
        stage_of = self.file.stage_name
        return [
            [
                form(item, backend, None, self.file.escape, stage_of=stage_of)
                for item in stage.instructions
            ]
            for stage in self.file.stages
        ]

    def form(
        self,
        item: Instruction,
        backend: Backend,
        guess: Guess,
        stage_of: StageOf,
        *,
        by_files: bool = False,
    ) -> Form:
        """The form of an instruction with the values in force above it, by that guess."""
        scope = self._scope(item, backend, guess)
        return form_in(item, backend, scope, guess, stage_of=stage_of, by_files=by_files)

    def not_known(self, item: Instruction, backend: Backend) -> frozenset[str]:
        """The variables in an instruction's words that the Dockerfile alone does not tell."""
        text = item.text if item.keyword in _EXPANDED else " ".join(item.flags)
        return frozenset(references(text)) - self._scope(item, backend, None).values.keys()

    def _scope(self, item: Instruction, backend: Backend, guess: Guess | None) -> Scope:
        """What is in force above an instruction; of each stage it is read once."""
        key = item.stage_index, backend, guess
        if key not in self._scopes:
            self._scopes[key] = scopes_of(
                self.file, self.given, item.stage_index, backend, self.hasher, guess
            )
        return self._scopes[key][item.index]


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
        self._forms: dict[Hashable, Form] = {}

    def edits(self) -> Iterator[Edit]:
        for stage in self.now.file.stages:
            yield from self._stage(self.pairs.get(stage.index), stage)

    @cached_property
    def pairs(self) -> dict[int, Stage]:
        """Index of a stage now → the stage that it was."""
        return self._counterparts(self.before.file.stages, self.now.file.stages)

    def _then(self, now: int) -> Hashable:
        """A stage of now by its index then."""
        return self.pairs[now].index if now in self.pairs else ("new", now)

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
            place = StepId(at.stage_index, item.index)
            twins = [one for one in left if one.keyword == item.keyword]
            if not twins:
                replaced.append(Edit("added", None, item, place))
                continue
            same = (one for one in twins if self._equal(one, item, GUESSES[0]))
            twin = next(same, twins[0])
            left.remove(twin)
            replaced.append(self._pair(twin, item, place))
        return [*(Edit("removed", old_item, None, at) for old_item in left), *replaced]

    def _pair(self, twin: Instruction, item: Instruction, place: StepId) -> Edit:
        """An instruction and the one that it was: the same where both come to one key."""
        equal = [self._equal(twin, item, guess) for guess in GUESSES]
        if equal[0]:
            return Edit("same", twin, item, place, sure=equal[1])
        if self._equal(twin, item, GUESSES[0], by_files=True):
            return Edit("changed", twin, item, place, sure=False, by_files=True)
        unknown = [
            version.not_known(one, self.backend)
            for version, one in ((self.before, twin), (self.now, item))
        ]
        return Edit("changed", twin, item, place, sure=not equal[1] and unknown[0] == unknown[1])

    def _equal(
        self, twin: Instruction, item: Instruction, guess: Guess, *, by_files: bool = False
    ) -> bool:
        then = self._form(self.before, twin, guess, by_files=by_files)
        return then == self._form(self.now, item, guess, by_files=by_files)

    def _form(self, version: Version, item: Instruction, guess: Guess, *, by_files: bool) -> Form:
        """A form, made once: each line is held against each of its keyword."""
        stage_of = self._then if version is self.now else _itself
        key = (version is self.now, item.stage_index, item.index, guess, by_files)
        if key not in self._forms:
            self._forms[key] = version.form(item, self.backend, guess, stage_of, by_files=by_files)
        return self._forms[key]


def _itself(index: int) -> int:
    return index
