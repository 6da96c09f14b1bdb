"""What a rule is, the question it answers, and the claim it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Before, Case
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.miss_chains import Chain
from cachetui.findings.record import Confidence, Evidence, Need
from cachetui.findings.step_inputs import Inputs, base_of, comparable, step_inputs
from cachetui.records.backend import Backend
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

HOSTS = "\ue000"
"""In a claim's title, where the names of the hosts go that it turns out to hold for."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A FROM (`head`) that names another image than it did, and how sure it is that it is one."""

    then: str
    now: str
    head: Instruction
    confidence: Confidence


@dataclass(frozen=True)
class Question:
    """A first miss that somebody would wonder about: why did this step miss here?

    `peers` are runs of the same scenario and repeat on other hosts in which the step hit;
    `before` is the last time this host ran the scenario. `at` is a step above the one that
    missed, where that is what is asked about: it hit, and is not what it was.
    """

    case: Case
    chain: Chain
    peers: tuple[Run, ...]
    before: Before | None
    at: Step | None = None

    @property
    def run(self) -> Run:
        return self.chain.run

    @property
    def step(self) -> Step:
        """The step that missed, or the one above it that is asked about."""
        return self.at or self.chain.cause

    @property
    def as_found(self) -> bool:
        return self.run.kind.as_found

    @cached_property
    def instruction(self) -> Instruction | None:
        """None for an ONBUILD trigger of a base image."""
        return self.case.instruction(self.step.id)

    @cached_property
    def step_before(self) -> Step | None:
        """The same step in the earlier run, where it ended in the cache."""
        found = self.before.step(self.step.id) if self.before else None
        return found if found is not None and found.status in ("hit", "miss") else None

    @cached_property
    def now(self) -> Inputs | None:
        if self.instruction is None:
            return None
        return step_inputs(self.case.setting(self.run), self.step.id)

    @cached_property
    def then(self) -> Inputs | None:
        """The inputs of the same step in the earlier run."""
        if self.before is None or self.step_before is None or self.instruction is None:
            return None
        setting = self.case.setting_before(self.before, self.run.backend)
        return step_inputs(setting, self.step_before.id)

    @cached_property
    def changed(self) -> frozenset[str]:
        """Inputs whose tokens are known on both sides and differ; empty without an earlier run.
        Files are not among them: see `Inputs.files`."""
        if self.now is None or self.then is None:
            return frozenset()
        skip = self.now.unknown | self.then.unknown | self.not_comparable
        names = (set(self.now.tokens) | set(self.then.tokens)) - skip
        return frozenset(n for n in names if self.now.tokens.get(n) != self.then.tokens.get(n))

    @cached_property
    def not_comparable(self) -> frozenset[str]:
        """Images whose layers are known on one side and whose digest on the other."""
        if self.now is None or self.then is None:
            return frozenset()
        pairs = ((n, self.now.tokens.get(n), self.then.tokens.get(n)) for n in ("base", "from"))
        return frozenset(n for n, a, b in pairs if a and b and not comparable(a, b))

    @cached_property
    def other_image_id(self) -> bool:
        """Whether the base image has another ID than before: the legacy builder's cache goes by
        it, and with equal layers its configuration is another."""
        before = self.before
        if before is None or self.now is None:
            return False
        ref = base_of(self.case.dockerfile, self.step.id)
        report = next((h for h in before.document.hosts if h.name == self.run.host), None)
        ids = [
            next((image.id for image in known.bases if image.ref == ref), None) if known else None
            for known in (self.case.evidence(self.run.host), report.evidence if report else None)
        ]
        return None not in ids and ids[0] != ids[1]

    @cached_property
    def renamed(self) -> Renamed | None:
        """Another reference in the FROM that the step's chain stands on than in the earlier run,
        unless both are one image; on BuildKit of the same layers, on the legacy builder never
        known to be."""
        if self.before is None or self.now is None or self.step_before is None:
            return None
        case, then = self.case, self.before.dockerfile
        now_ref = base_of(case.dockerfile, self.step.id)
        then_ref = base_of(then, self.step_before.id)
        if now_ref is None or then_ref is None or now_ref == then_ref:
            return None
        layers = self.now.tokens.get("base"), self.then.tokens.get("base") if self.then else None
        known = comparable(*layers)
        if known and layers[0] == layers[1] and self.run.backend == "buildkit":
            return None
        sure = known and layers[0] != layers[1]
        head = case.head(self.step.stage_index)
        return Renamed(then_ref, now_ref, head, "proved" if sure else "likely")

    @cached_property
    def above(self) -> tuple[Edit, ...]:
        """What changed in the Dockerfile between the step that this one stands on and this one,
        itself included, since the earlier run."""
        if self.before is None:
            return ()
        stage, index = self.step.stage_index, self.step.index
        direct = self.case.parents(self.run).get(self.step.id, ())
        own = [p.step for p in direct if p.how == "chain" and p.step.stage_index == stage]
        first = max((p.index for p in own), default=0)
        return tuple(
            edit
            for edit in self.before.edits
            if edit.kind != "same"
            and edit.at.stage_index == stage
            and first < edit.at.index <= index
        )

    @cached_property
    def same(self) -> bool | None:
        """Whether the step is in all that is known what it was in the earlier run; None where
        something that is in its key is not known on one side."""
        if self.now is None or self.then is None:
            return None
        edits = [e for e in self.above if self.run.backend == "legacy" or _makes(e)]
        if self.changed or edits or self.renamed is not None or self.other_image_id:
            return False
        unknown = self.now.unknown | self.then.unknown | self.not_comparable
        if self.now.context == self.then.context:
            unknown -= {"files"}  # one context, whatever is in it
        if self.now.files is not None and self.then.files is not None:
            difference = self.case.compared(self.then.files, self.now.files, self.run.backend)
            return False if difference else None if unknown else True
        return None if unknown else True

    @cached_property
    def higher(self) -> tuple[Question, ...]:
        """The same question of each step that the one that missed stands on, the nearest first.

        That they hit says that the engine has them, not that it is by the chain of the earlier
        run: a step that changed can be found in the cache of another build, and only the next
        one, which that build had not, misses for it.
        """
        if self.before is None or self.at is not None:
            return ()
        direct = self.case.parents(self.run)
        steps = {step.id: step for step in self.run.steps}
        found: list[Question] = []
        here: StepId | None = self.step.id
        while here is not None:
            above = [p.step for p in direct.get(here, ()) if p.how != "content"]
            here = above[0] if above else None
            if here is not None:
                found.append(replace(self, at=steps[here]))
        return tuple(found)

    @cached_property
    def first_in_stage(self) -> bool:
        """Whether nothing of the Dockerfile stands between the base image and this step."""
        direct = self.case.parents(self.run).get(self.step.id, ())
        return not any(p.how == "chain" for p in direct)


def _makes(edit: Edit) -> bool:
    """Whether BuildKit has an operation of the instruction; what ENV and the like set is in the
    inputs of the steps below."""
    item = edit.now or edit.before
    return item is not None and item.keyword in ("RUN", "COPY", "ADD", "WORKDIR")


@dataclass(frozen=True)
class Claim:
    """What a rule says of one run or host; claims that say the same are gathered in a finding.

    `same` is what they must have in common beside rule, steps and confidence. `answers` is the
    question that the claim answers: it brings hosts, scenario, consequences and seconds along.
    `whole` is of a claim about a run's cache, not about a step: it is one finding, whatever the
    first misses are that bear it out.
    """

    title: str
    confidence: Confidence
    steps: tuple[StepId, ...]
    evidence: tuple[Evidence, ...]
    advice: str
    hosts: tuple[str, ...] = ()
    backends: tuple[Backend, ...] = ()
    scenarios: tuple[str, ...] = ()
    consequences: tuple[StepId, ...] = ()
    seconds: float | None = None
    same: object = None
    answers: Question | None = None
    suspect: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One surprise. The texts are for `cachetui explain` and the docs; `example` is a small
    Dockerfile that shows it and `try_it` what to type.

    `explain` answers a question or None; `observe` tells what there is to see without one;
    `ask` says what the rule would need to say more.
    """

    id: str
    title: str
    surprise: str
    needs: str
    applies: str
    proves: str
    advises: str
    written: tuple[str, ...]
    example: str
    try_it: str
    explain: Callable[[Question], Claim | None] | None = None
    observe: Callable[[Case], Iterable[Claim]] | None = None
    ask: Callable[[Case], Iterable[Need]] | None = None


def answer(
    question: Question,
    *,
    title: str,
    confidence: Confidence,
    evidence: Iterable[Evidence],
    advice: str,
    steps: tuple[StepId, ...] = (),
    same: object = None,
    suspect: Mapping[str, Any] | None = None,
    whole: bool = False,
) -> Claim:
    """A claim that answers a question. `steps` are the causes where they are others than the step
    that missed first, which is a consequence then."""
    chain = question.chain
    causes = steps or (question.step.id,)
    return Claim(
        title=title,
        confidence=confidence,
        steps=causes,
        evidence=tuple(evidence),
        advice=advice,
        hosts=(chain.run.host,),
        backends=(chain.run.backend,),
        scenarios=(chain.run.scenario,),
        consequences=tuple(step.id for step in chain.steps if step.id not in causes),
        seconds=chain.seconds,
        same=same,
        answers=question,
        suspect=suspect or {},
        whole=whole,
    )
