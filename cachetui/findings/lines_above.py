"""The lines of the Dockerfile above a step that were changed since the host's earlier run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS
from cachetui.findings.case import Case
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.same_sources import same_sources
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId


@dataclass(frozen=True)
class LinesAbove:
    """The lines between the step that a `step` of a `run` builds on and itself, beside those of
    the `before` run; none without it. `same_words`: the step's own line comes to the same, by what
    its base image sets."""

    case: Case
    run: Run
    step: Step
    before: EarlierRun | None
    same_words: bool = False

    @property
    def stands_alone(self) -> bool:
        """Whether it is a COPY --link of BuildKit, which stands on nothing."""
        item = self.case.instruction(self.step.id, self.run.host)
        return self.run.backend == "buildkit" and item is not None and item.link

    @property
    def _chain_parent(self) -> StepId | None:
        """The step that this one stands on, of its stage or one below; None above an image."""
        parents = self.case.parents(self.run).get(self.step.id, ())
        return next((parent.step for parent in parents if parent.how == "chain"), None)

    @property
    def in_own_stage(self) -> bool:
        """Whether a step of its own stage stands between its FROM and this one."""
        parent = self._chain_parent
        return parent is not None and parent.stage_index == self.step.stage_index

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Edits of the Dockerfile below the step that this one builds on, down to this one, itself
        included; also at the ends of the stages that its own is FROM."""
        if self.before is None:
            return ()
        found: list[Edit] = []
        for stage, first, last in self._lines_above():
            found[:0] = [
                edit
                for edit in self.before.edits
                if edit.kind != "same"
                and edit.at.stage_index == stage
                and first < edit.at.index <= last
            ]
        return tuple(one for edit in found if (one := self._by_its_files(edit)) is not None)

    def _by_its_files(self, edit: Edit) -> Edit | None:
        """The edit, sure where the files that it copies or mounts are others; None where they are
        the same."""
        own = edit.at == StepId(self.step.stage_index, self.step.index)
        if self.same_words and own and not edit.sure and self.step.id.trigger is None:
            return None
        if self.before is None or not edit.by_files:
            return edit
        same = same_sources(self.case, self.run, self.before, edit)
        return None if same else replace(edit, sure=same is False)

    @cached_property
    def names_same_files(self) -> bool:
        """Whether the step's own line only names the files otherwise that it saw before."""
        edit = self.before.edit_at(self.step.id) if self.before is not None else None
        if self.before is None or edit is None or not edit.by_files:
            return False
        return same_sources(self.case, self.run, self.before, edit) is True

    def _lines_above(self) -> Iterator[tuple[int, int, int]]:
        """(stage, index after which, last index) of what stands between the step and the one that
        it builds on, from below."""
        stage, last, parent = self.step.stage_index, self.step.index, self._chain_parent
        if self.stands_alone:
            yield stage, last - 1, last
            return
        while True:
            there = parent is not None and parent.stage_index == stage
            yield stage, parent.index if parent is not None and there else 0, last
            base = self.case.dockerfile.stages[stage].base_stage
            if there or base is None or base >= stage:
                return
            # What was taken away at the end of a stage stood one past its last instruction.
            stage, last = base, len(self.case.dockerfile.stages[base].instructions)

    @cached_property
    def edits_in_key(self) -> tuple[Edit, ...]:
        """Those of `edits` that make another step: BuildKit has no step of ENV and the
        like; what they set is in the inputs of the steps below."""
        legacy = self.run.backend == "legacy"
        return tuple(edit for edit in self.edits if legacy or _makes_vertex(edit))


def _makes_vertex(edit: Edit) -> bool:
    """Whether BuildKit has an operation of the instruction; what ENV and the like set is in the
    inputs of the steps below."""
    item = edit.now or edit.before
    return item is not None and item.keyword in BUILDKIT_KEYWORDS
