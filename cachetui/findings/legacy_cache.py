"""What the legacy builder's cache holds, and where a Dockerfile parts from it.

The legacy builder finds a step among the children of the image above it, by their configuration
(moby `builder/dockerfile/imageprobe.go`). `docker history` of its images shows the same chains.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cachetui.builders.history_line import Made, is_step, parse
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.build_options import build_options
from cachetui.findings.case import Case
from cachetui.findings.question import Question
from cachetui.records.digest import ValueHasher
from cachetui.records.hidden import hidden, hides
from cachetui.records.host import HostEvidence, LegacyChain
from cachetui.records.run import Run
from cachetui.records.step import StepId

_WORK = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True)
class Parting:
    """Where the images of a host part from the Dockerfile: `made_by` is what they have there,
    `text` the same as an instruction, `keyword` the name of what was changed, added or taken out;
    `args_only` that only a RUN's build arguments differ; `rejoins` how many RUN, COPY and ADD
    follow on both sides alike, up to the first that differs."""

    image: str
    created: str | None
    made_by: str
    text: str
    keyword: str
    args_only: bool
    rejoins: int

    @property
    def quoted(self) -> str:
        when = f" (made {self.created[:16].replace('T', ' ')})" if self.created else ""
        return f"{self.text!r}{when}"


@dataclass(frozen=True, slots=True)
class _Reader:
    """What tells whether a line of history is an instruction: `given` maps the build's arguments
    to digests of their values."""

    hasher: ValueHasher
    given: Mapping[str, str]

    @classmethod
    def of(cls, case: Case) -> _Reader:
        return cls(case.hasher, case.document.build.build_args)

    def is_step(self, made: Made, item: Instruction) -> bool:
        return is_step(made, item, self.hasher, self.given)

    def reads(self, made: Made) -> bool:
        """Whether all that was taken out of the line are values of arguments that can be held
        against a text."""
        return all(
            kind == "build-arg" and name in self.given and self.hasher.reads(self.given[name])
            for kind, name in hidden(made.rest)
        )


def parting(case: Case, run: Run, cause: StepId) -> Parting | None:
    """The chain that goes furthest along with the Dockerfile, and where it parts at `cause`.

    None when the host's images are not known, none goes as far as the step that missed, or
    something above it is not certain: the images above must be the same.
    """
    chains = legacy_chains(case.evidence(run.host), case.hasher)
    if chains is None:
        return None
    ids = _base_ids(case, run.host, cause)
    own, at = _whole_chain(case, run.host, cause)
    if at >= len(own):
        return None  # a trigger whose text is not known
    best: Parting | None = None
    for chain, made in chains:
        if chain.base in ids:
            candidate = _parting(chain, made, own, at, _Reader.of(case))
            if candidate is not None and (best is None or candidate.rejoins > best.rejoins):
                best = candidate
    return best


def chain_on(case: Case, host: str, bases: Collection[str], step: StepId) -> LegacyChain | None:
    """A chain of the host's images that stands on one of these image IDs and has all that the
    Dockerfile has from there to the step, each for certain; None without one."""
    every, at = _whole_chain(case, host, step)
    if at >= len(every):
        return None  # a trigger whose text is not known
    own = every[: at + 1]
    for chain, made in legacy_chains(case.evidence(host), case.hasher) or ():
        if chain.base in bases and len(made) >= len(own) and _begins(made, own, _Reader.of(case)):
            return chain
    return None


def _pulled_with(case: Case, run: Run, step: StepId) -> LegacyChain | None:
    """An image of the host without the images in between, made on the base image by what the
    Dockerfile has from there to the step and, as far as the image goes, below it; of COPY, ADD and
    ENV that is not known for certain. At least one RUN is among it. None without one."""
    evidence = case.evidence(run.host)
    own, at = _whole_chain(case, run.host, step)
    if evidence is None or at >= len(own):
        return None
    ids = _base_ids(case, run.host, step)
    for chain in evidence.pulled:
        made = [parse(text) for text in chain.made_by]
        reader = _Reader.of(case)
        same = [reader.is_step(line, item) for line, item in zip(made, own, strict=False)]
        runs = any(item.keyword == "RUN" for item in own[: len(same)])
        if chain.base in ids and len(same) > at and all(same) and runs:
            return chain
    return None


def no_parent_chain(question: Question) -> LegacyChain | None:
    """The image that holds the step that missed, where the legacy builder could not take it: of
    the images that a build makes one on the other, the host has the last alone.

    None with --cache-from: the builder then looks in the images that it names, and only there.
    """
    if question.run.backend != "legacy" or not question.as_found or question.ancestor_step:
        return None
    if "--cache-from" in build_options(question.case.document.build.docker_args):
        return None
    if question.changes.step_before is not None and question.changes.inputs_unchanged is not True:
        return None
    return _pulled_with(question.case, question.run, question.step.id)


def legacy_chains(
    evidence: HostEvidence | None, hasher: ValueHasher
) -> list[tuple[LegacyChain, list[Made]]] | None:
    """The chains of a host's images with what made each. None where they are not known, or their
    digests were made with another secret than that of `hasher`."""
    if evidence is None or evidence.legacy is None:
        return None
    chains = [(chain, [parse(text) for text in chain.made_by]) for chain in evidence.legacy]
    runs = (line for _, made in chains for line in made if line.keyword == "RUN")
    return chains if all(hasher.reads(line.rest) for line in runs) else None


def _base_ids(case: Case, host: str, step: StepId) -> set[str]:
    """What the base image that a step's stage stands on is on the host; empty where it is none of
    the host's images."""
    evidence = case.evidence(host)
    head = case.dockerfile.stages[case.head(step.stage_index).stage_index]
    if evidence is None or not head.is_external:
        return set()
    return {image.id for image in evidence.bases if image.ref == head.base}


def _whole_chain(case: Case, host: str, step: StepId) -> tuple[Sequence[Instruction], int]:
    """What makes the images from the base image on to the end of a step's stage, with the stages
    that it is FROM and their ONBUILD triggers, and which of them the step is."""
    stage = case.dockerfile.stages[step.stage_index]
    below: Sequence[Instruction] = ()
    if stage.base_stage is not None and stage.base_stage < stage.index:
        below, _ = _whole_chain(case, host, StepId(stage.base_stage, 0))
    triggers = case.triggers(host, step.stage_index)
    place = step.trigger if step.trigger is not None else len(triggers) + step.index - 1
    return (*below, *triggers, *stage.instructions[1:]), len(below) + place


def _parting(
    chain: LegacyChain,
    made: Sequence[Made],
    own: Sequence[Instruction],
    at: int,
    reader: _Reader,
) -> Parting | None:
    if len(made) <= at or not _begins(made, own[:at], reader):
        return None
    there = made[at]
    if reader.is_step(there, own[at]):
        # The same command on the same image, and it missed: its arguments are others.
        if there.keyword != "RUN":
            return None
        along = _along(made[at + 1 :], own[at + 1 :], reader)
        return Parting(
            chain.image, chain.created, chain.made_by[at], there.text, "RUN", True, along
        )
    if hides(there.rest) and ("$" in own[at].rest or not reader.reads(there)):
        return None
    # It was changed; or it is new here; or what stands there was taken out.
    ways = (
        (made[at + 1 :], own[at + 1 :]),
        (made[at:], own[at + 1 :]),
        (made[at + 1 :], own[at:]),
    )
    rejoins, way = max((_along(theirs, ours, reader), -n) for n, (theirs, ours) in enumerate(ways))
    keyword = own[at].keyword if way == -1 else there.keyword
    return Parting(
        image=chain.image,
        created=chain.created,
        made_by=chain.made_by[at],
        text=there.text,
        keyword=keyword,
        args_only=False,
        rejoins=rejoins,
    )


def _along(made: Sequence[Made], own: Sequence[Instruction], reader: _Reader) -> int:
    """How many RUN, COPY and ADD both begin with, none of them different."""
    count = 0
    for theirs, ours in zip(made, own, strict=False):
        if not reader.is_step(theirs, ours):
            break
        count += theirs.keyword in _WORK
    return count


def _begins(made: Sequence[Made], own: Sequence[Instruction], reader: _Reader) -> bool:
    """Whether a chain begins with these very steps for certain: not where only where to or names
    are known."""
    return all(
        reader.is_step(line, item)
        and item.keyword not in ("COPY", "ADD", "ENV")
        and line.args is None
        for line, item in zip(made, own, strict=False)
    )
