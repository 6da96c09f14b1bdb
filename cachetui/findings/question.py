"""The question that a rule answers: why did this step miss here?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from cachetui.builders.docker_args import familiar
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.input_changes import InputChanges
from cachetui.findings.key_inputs import words_of
from cachetui.findings.miss_chains import Chain
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId


@dataclass(frozen=True)
class Question:
    """A first miss that nothing in the scenario explains.

    `peers` are runs of the same scenario and repeat on other hosts in which the step hit;
    `before` is the last run on this host that tells what the same cache had of it. `ancestor_step`
    is a step above the one that missed, where the question is about that one: it hit, and its
    inputs have changed.
    """

    case: Case
    chain: Chain
    peers: tuple[Run, ...]
    before: EarlierRun | None
    ancestor_step: Step | None = None

    @property
    def run(self) -> Run:
        return self.chain.run

    @property
    def step(self) -> Step:
        """The step that missed, or the one above it that is asked about."""
        return self.ancestor_step or self.chain.cause

    @property
    def as_found(self) -> bool:
        return self.run.kind.as_found

    @cached_property
    def instruction(self) -> Instruction | None:
        """None for an ONBUILD trigger of a base image whose text is not known."""
        return self.case.instruction(self.step.id, self.run.host)

    @cached_property
    def changes(self) -> InputChanges:
        """The inputs of the step, beside those of the earlier run."""
        return InputChanges(self.case, self.run, self.step, self.before)

    @cached_property
    def ancestors(self) -> tuple[Question, ...]:
        """The same question of each step that the one that missed builds on, the nearest first.

        That they hit says that the engine has them, not that it found them by the chain of the
        earlier run. A step that changed can be in the cache from another build; then the next
        step, which that build did not have, is the first to miss.
        """
        if self.before is None or self.ancestor_step is not None:
            return ()
        parents = self.case.parents(self.run)
        steps = {step.id: step for step in self.run.steps}
        questions: list[Question] = []
        here: StepId | None = self.step.id
        while here is not None:
            above = [p.step for p in parents.get(here, ()) if p.how != "content"]
            here = above[0] if above else None
            if here is not None:
                questions.append(replace(self, ancestor_step=steps[here]))
        return tuple(questions)

    @cached_property
    def builds_on(self) -> tuple[Question, ...]:
        """The same question of every step that the one that missed builds on, in any way: also of
        those of the stages that it copies from."""
        if self.before is None:
            return ()
        parents = self.case.parents(self.run)
        steps = {step.id: step for step in self.run.steps}
        found: dict[StepId, None] = {}
        waiting = [self.step.id]
        while waiting:
            above = [parent.step for parent in parents.get(waiting.pop(), ())]
            waiting += [step for step in above if step not in found]
            found.update(dict.fromkeys(above))
        return tuple(replace(self, ancestor_step=steps[step]) for step in found)

    @cached_property
    def not_compared(self) -> tuple[str, ...]:
        """What of the key of the step, and of what it builds on, is not known now or was not in
        the earlier run, in words."""
        steps = [self.changes, *(one.changes for one in self.builds_on)]
        unknown = sorted({words_of(name) for step in steps for name in step.unknown})
        if any(step.then is None for step in steps):
            unknown.append(
                "steps that the earlier run did not have, or that no line here stands for"
            )
        return tuple(unknown)

    @cached_property
    def named_folder(self) -> str | None:
        """The folder of --build-context that BuildKit takes for the image that the step stands
        on; None over an image or scratch."""
        base = familiar(self.case.base(self.step.stage_index))
        named = self.case.document.build.named_contexts
        return base if self.run.backend == "buildkit" and base in named else None

    @cached_property
    def first_in_stage(self) -> bool:
        """Whether nothing of the Dockerfile stands between the base image and this step."""
        parents = self.case.parents(self.run).get(self.step.id, ())
        return not any(parent.how == "chain" for parent in parents)
