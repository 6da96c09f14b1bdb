"""How a step's inputs differ from those of the same step in the host's earlier run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cachetui.builders.docker_args import familiar, fetched_contexts
from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.dockerfile.stages import SCRATCH
from cachetui.findings.case import Case
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.record import Confidence
from cachetui.findings.step_inputs import Inputs, base_of, comparable, step_inputs
from cachetui.findings.variables import arguments_in
from cachetui.records.digest import differ, is_digest
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

_IMAGES = frozenset({"base", "from", "mount"})
_BY_CONFIGURATION = frozenset({"RUN", "WORKDIR"})
"""What has ENV, USER or SHELL of the base image in its key on BuildKit."""


@dataclass(frozen=True, slots=True)
class RenamedBase:
    """A FROM (`head`) that names another image than before; `confidence` is how sure it is that
    the two names are two images. `same_layers`: only their configuration differs."""

    then: str
    now: str
    head: Instruction
    confidence: Confidence
    same_layers: bool = False


@dataclass(frozen=True)
class InputChanges:
    """The inputs of a `step` of a `run`, now and in the `before` run. Without an earlier run
    nothing is known to have changed."""

    case: Case
    run: Run
    step: Step
    before: EarlierRun | None

    @cached_property
    def step_before(self) -> Step | None:
        """The same step in the earlier run, where it hit or missed."""
        step = self.before.step(self.step.id) if self.before else None
        return step if step is not None and step.status in ("hit", "miss") else None

    @cached_property
    def now(self) -> Inputs | None:
        """The step's inputs now; None for an ONBUILD trigger whose text is not known."""
        if self.case.instruction(self.step.id, self.run.host) is None:
            return None
        return step_inputs(self.case.build_on(self.run), self.step.id)

    @cached_property
    def then(self) -> Inputs | None:
        """The inputs of the same step in the earlier run."""
        if self.before is None or self.step_before is None or self.now is None:
            return None
        build = self.case.build_before(self.before, self.run.backend)
        now = self.case.build_on(self.run)
        assumed = now.triggers if self.step_before.id.trigger is None else None
        return step_inputs(build, self.step_before.id, assumed)

    @cached_property
    def changed(self) -> frozenset[str]:
        """Names of the inputs whose tokens are known on both sides and differ ("arg:NODE"). Files
        are not among them: see `Inputs.files`."""
        if self.now is None or self.then is None:
            return frozenset()
        skip = self.now.unknown | self.then.unknown | self.not_comparable
        pairs = _pairs(self.now.tokens, self.then.tokens)
        found = frozenset(n for n, now, then in pairs if n not in skip and differ(now, then))
        others = any(name.startswith("env:") for name in found)
        return found - {"order"} if others else found  # of a variable more or less

    @cached_property
    def not_comparable(self) -> frozenset[str]:
        """Images of which the layers are known on one side and the digest on the other; and inputs
        with digests of values that were made with different secrets."""
        if self.now is None or self.then is None:
            return frozenset()
        pairs = [
            *_pairs(self.now.tokens, self.then.tokens),
            *_pairs(self.now.doubts, self.then.doubts),
        ]
        return frozenset(
            name
            for name, now, then in pairs
            if differ(now, then) is None
            or _is_default_of_others(now, then)
            or (name.partition(":")[0] in _IMAGES and now and then and not comparable(now, then))
        )

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """Names of the inputs that differ and may be in the key or not."""
        if self.now is None or self.then is None:
            return frozenset()
        pairs = _pairs(self.now.doubts, self.then.doubts)
        return frozenset(n for n, now, then in pairs if differ(now, then))

    @cached_property
    def unknown(self) -> frozenset[str]:
        """Names of the inputs that are not known, now or then, or cannot be compared."""
        if self.now is None or self.then is None:
            return frozenset()
        unknown = self.now.unknown | self.then.unknown | self.not_comparable
        # One context is the same to one instruction, whatever is in it.
        return unknown - {"files"} if self.now.context == self.then.context else unknown

    @cached_property
    def other_image_id(self) -> bool:
        """Whether the base image has another ID than before. The legacy builder's cache goes by
        the ID; with equal layers the image's configuration differs."""
        if self.now is None or self.then is None:
            return False
        now, then = self.now.image_id, self.then.image_id
        return now is not None and then is not None and now != then

    @cached_property
    def renamed_base(self) -> RenamedBase | None:
        """Another reference in the FROM that the step builds on. None where both name one
        image: for BuildKit that is one with the same layers, for the legacy builder none is known
        to be."""
        refs = self._base_refs
        if refs is None or refs[0] == refs[1] or self.now is None:
            return None
        then_ref, now_ref = refs
        layers = self.now.tokens.get("base"), self.then.tokens.get("base") if self.then else None
        known = comparable(*layers)
        head = self.case.head(self.step.stage_index)
        if known and layers[0] == layers[1] and self.run.backend == "buildkit":
            of_key = self.step.keyword in _BY_CONFIGURATION or self._other_triggers
            if not (self.other_image_id and of_key):
                return None
            return RenamedBase(then_ref, now_ref, head, "likely", same_layers=True)
        sure = SCRATCH in (now_ref, then_ref) or (known and layers[0] != layers[1])
        return RenamedBase(then_ref, now_ref, head, "proved" if sure else "likely")

    @property
    def is_other_reference(self) -> bool:
        """Whether the FROM that the step stands on names its image otherwise than before."""
        refs = self._base_refs
        return refs is not None and refs[0] != refs[1]

    @property
    def _base_refs(self) -> tuple[str, str] | None:
        """What that FROM named in the earlier run, and names now; None where it is not known."""
        place = self._place_before
        if self.before is None or place is None:
            return None
        then = base_of(self.before.dockerfile, place) or SCRATCH
        return then, base_of(self.case.dockerfile, self.step.id) or SCRATCH

    @property
    def _other_triggers(self) -> bool:
        """Whether other triggers of an image ran in the stage than in the earlier run."""
        place = self._place_before
        if self.before is None or place is None:
            return False
        now, then = (
            [s.instruction for s in run.steps if s.trigger is not None and s.stage_index == stage]
            for run, stage in (
                (self.run, self.step.stage_index),
                (self.before.run, place.stage_index),
            )
        )
        return now != then

    @property
    def _place_before(self) -> StepId | None:
        """Where the step was. A trigger that the earlier run had not stands at its FROM."""
        if self.step_before is not None:
            return self.step_before.id
        if self.before is None or self.step.id.trigger is None:
            return None
        head = self.before.edit_at(self.step.id)
        return StepId(head.before.stage_index, 0) if head and head.before else None

    @cached_property
    def other_from(self) -> Edit | None:
        """The edit of the FROM right above the step that gives it something else to stand on:
        another stage, a stage in an image's place or the other way round, another platform. That
        it names another image is `renamed_base`."""
        if self.before is None or self._steps_above or self._stands_alone:
            return None
        head = self.before.edit_at(StepId(self.step.stage_index, 0))
        if head is None or head.before is None or head.kind == "same":
            return None
        now = self.case.dockerfile.stages[self.step.stage_index].base_stage
        then = self.before.dockerfile.stages[head.before.stage_index].base_stage
        other = "platform" in self.changed or not self._same_stage(now, then)
        return head if other else None

    @cached_property
    def other_source(self) -> bool:
        """Whether the same words, `COPY --from=0` say, name another stage than before."""
        now, place = self.case.instruction(self.step.id, self.run.host), self.step_before
        if self.before is None or now is None or place is None or place.id.trigger is not None:
            return False
        then = self.before.dockerfile.stages[place.id.stage_index].instructions[place.id.index]
        sources = [(now.copy_from, then.copy_from)]
        sources += [
            (one.from_stage, other.from_stage)
            for one, other in zip(now.mounts, then.mounts, strict=False)
        ]
        return any(
            not self._same_stage(
                one if isinstance(one, int) else None, other if isinstance(other, int) else None
            )
            for one, other in sources
        )

    def _same_stage(self, now: int | None, then: int | None) -> bool:
        """Whether a stage of today's Dockerfile is that one of the earlier; None is no stage."""
        if now is None or then is None or self.before is None:
            return now == then
        head = self.before.edit_at(StepId(now, 0))
        return head is not None and head.before is not None and head.before.stage_index == then

    def is_other_context(self, name: str) -> bool:
        """Whether --build-context gives a name to another image or URL than before."""
        if self.before is None:
            return False
        now, then = (
            fetched_contexts(document.build.docker_args).get(familiar(name))
            for document in (self.case.document, self.before.document)
        )
        return now != then

    @property
    def _stands_alone(self) -> bool:
        """Whether it is a COPY --link of BuildKit, which stands on nothing."""
        item = self.case.instruction(self.step.id, self.run.host)
        return self.run.backend == "buildkit" and item is not None and item.link

    @property
    def _chain_parent(self) -> StepId | None:
        """The step that this one stands on, of its stage or one below; None above an image."""
        parents = self.case.parents(self.run).get(self.step.id, ())
        return next((parent.step for parent in parents if parent.how == "chain"), None)

    @property
    def _steps_above(self) -> bool:
        """Whether a step of its own stage stands between its FROM and this one."""
        parent = self._chain_parent
        return parent is not None and parent.stage_index == self.step.stage_index

    @cached_property
    def edits_above(self) -> tuple[Edit, ...]:
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
        return tuple(found)

    def _lines_above(self) -> Iterator[tuple[int, int, int]]:
        """(stage, index after which, last index) of what stands between the step and the one that
        it builds on, from below."""
        stage, last, parent = self.step.stage_index, self.step.index, self._chain_parent
        if self._stands_alone:
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
        """Those of `edits_above` that make another step: BuildKit has no step of ENV and the
        like; what they set is in the inputs of the steps below."""
        legacy = self.run.backend == "legacy"
        return tuple(edit for edit in self.edits_above if legacy or _makes_vertex(edit))

    @cached_property
    def other_files(self) -> bool:
        """Whether the step sees other files than before, where both are known."""
        if self.now is None or self.then is None:
            return False
        if self.now.files is None or self.then.files is None:
            return False
        return bool(self.case.compared(self.then.files, self.now.files))

    @cached_property
    def inputs_unchanged(self) -> bool | None:
        """Whether every input in `key_inputs` that the step has is as before; None where one is
        not known, or differs and may be in the key. The one judge of "the key is the same"."""
        if self.now is None or self.then is None:
            return None
        if self.changed or self.edits_in_key or self.other_image_id or self.other_files:
            return False
        if self.renamed_base is not None or self.other_from is not None or self.other_source:
            return False
        return None if self.unknown or self.doubtful else True


def _is_default_of_others(now: str | None, then: str | None) -> bool:
    """Whether a value that was given stands against an ARG's default made of other variables,
    which may come to the same."""
    texts = [text for text in (now, then) if text]
    made = [bool(arguments_in(text)) for text in texts]
    return len(texts) == 2 and any(made) and any(map(is_digest, texts))


def _pairs(
    now: Mapping[str, str], then: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    """(name, now, then) of each input that is on either side."""
    for name in {**now, **then}:
        yield name, now.get(name), then.get(name)


def _makes_vertex(edit: Edit) -> bool:
    """Whether BuildKit has an operation of the instruction; what ENV and the like set is in the
    inputs of the steps below."""
    item = edit.now or edit.before
    return item is not None and item.keyword in BUILDKIT_KEYWORDS
