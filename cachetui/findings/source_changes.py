"""What a step stands on or copies from, where it names something else than in the earlier run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cachetui.builders.docker_args import familiar, fetched_contexts
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.stages import SCRATCH
from cachetui.findings.base_settings import set_otherwise
from cachetui.findings.case import Case
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.lines_above import LinesAbove
from cachetui.findings.record import Confidence
from cachetui.findings.step_inputs import Inputs, base_of, comparable
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

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
class SourceChanges:
    """Images, stages and named contexts of a `step`, beside those of the `before` run. `now` and
    `then` are its inputs, `changed` those that differ, `step_before` is the step there."""

    case: Case
    run: Run
    step: Step
    before: EarlierRun | None
    step_before: Step | None
    now: Inputs | None
    then: Inputs | None
    changed: frozenset[str]

    @cached_property
    def other_image_id(self) -> bool:
        """Whether the base image has another ID than before, as far as that is in the key. The
        legacy builder's cache goes by the ID; with equal layers the image's configuration differs.
        Where it is known what of it differs, BuildKit on a graph driver goes by that alone: by no
        CMD, LABEL or date (our lab)."""
        if self.now is None or self.then is None or self._by_settings:
            return False
        now, then = self.now.image_id, self.then.image_id
        return now is not None and then is not None and now != then

    @property
    def _by_settings(self) -> bool:
        """Whether the two images, of equal layers, are compared by what they set."""
        sides = self.now, self.then
        facts = [host.facts if host else None for host in self._hosts]
        return (
            self.run.backend == "buildkit"
            and not self._other_triggers  # they made what the step stands on
            and all(one is not None and one.settings is not None for one in sides)
            and not any(one is None or one.store.startswith("containerd/") for one in facts)
        )

    @property
    def _hosts(self) -> tuple[HostReport | None, HostReport | None]:
        return self.case.report(self.run), self.before.host if self.before else None

    @cached_property
    def set_by_base(self) -> tuple[str, ...]:
        """What of the inputs that changed the base image set, and sets otherwise now: names of its
        variables ("ENV MODE"), USER, WORKDIR, SHELL, "the order of ENV"."""
        return self.behind(*self.changed)

    def behind(self, *changed: str) -> tuple[str, ...]:
        """The same of these inputs."""
        if self.now is None or self.then is None:
            return ()
        return set_otherwise(self.now, self.then, changed)

    @cached_property
    def renamed_base(self) -> RenamedBase | None:
        """Another reference in the FROM that the step builds on. None where both name one
        image: for BuildKit that is one with the same layers, for the legacy builder none is known
        to be."""
        refs = self._base_refs
        if refs is None or refs[0] == refs[1] or self.now is None:
            return None
        if familiar(refs[0]) == familiar(refs[1]) and self.other_image_id is False:
            return None
        then_ref, now_ref = refs
        layers = self.now.tokens.get("base"), self.then.tokens.get("base") if self.then else None
        known = comparable(*layers)
        head = self.case.head(self.step.stage_index)
        if known and layers[0] == layers[1] and self.run.backend == "buildkit":
            if self.set_by_base:
                return RenamedBase(then_ref, now_ref, head, "proved", same_layers=True)
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
        lines = LinesAbove(self.case, self.run, self.step, self.before)
        if self.before is None or lines.in_own_stage or lines.stands_alone:
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
