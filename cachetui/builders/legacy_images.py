"""Which images a legacy build makes, as far as its output tells.

Each instruction that misses leaves one image, ONBUILD triggers included (moby
`builder/dockerfile/internals.go` commit). The builder prints the ID of each but the triggers': of
those only the last one's, as FROM's. What hits makes none; a FROM without triggers prints the
base's own ID. All of it measured in our lab, 20.10 to 28.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cachetui.builders.events import (
    ContainerStarted,
    Ended,
    Event,
    ImageMade,
    Outcome,
    Started,
    Triggers,
)
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.stages import SCRATCH
from cachetui.records.step import StepId

TriggersOf = Callable[[int], tuple[Instruction, ...] | None]
"""The ONBUILD triggers that run in the stage of an index, None where they are not known."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Images that a build made one on the other: `length` of them at most, down to `tip`, which is
    a printed (short) image ID or, with `of_container`, that of a container created from the image.
    `pulled`: the build pulled what the first of them stands on."""

    tip: str
    length: int
    of_container: bool = False
    pulled: bool = False


@dataclass(frozen=True, slots=True)
class Unprinted:
    """Images that a build made without printing their IDs before it ended: one for each of
    `steps`, up to where it came. The first stands on `base`, a reference or printed ID, None for
    `scratch`; the first `hits` are not ours. The container of an ID was created from the image
    that `at` of the steps had made. `goes_on`: the engine may be at work on them still, for it
    looks for a client that is gone only before an instruction of the Dockerfile, not before a
    trigger, and ends a COPY first (moby `builder/dockerfile/builder.go`, our lab)."""

    steps: tuple[Instruction, ...]
    base: str | None
    hits: int = 0
    container: str | None = None
    at: int = 0
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class LegacyMade:
    """What a build made: `container` is one that may have been left, the last that was started."""

    trails: tuple[Trail, ...] = ()
    unprinted: Unprinted | None = None
    container: str | None = None


@dataclass(slots=True)
class _Stage:
    """A stage as it is built: `last` is the image ID printed last, `begun` the container started
    last since then, with its key."""

    index: int
    triggers: int = 0
    hits: int = 0
    pulled: bool = False
    last: str | None = None
    begun: tuple[str, str] | None = None


@dataclass(slots=True)
class LegacyImages:
    """Takes the events of a legacy build in order. `step_of` maps a key to its step. With
    `--cache-from` a hit can be on an image that the build made of the named one's history
    (`restores`; moby `image/cache/cache.go` restoreCachedImage)."""

    dockerfile: Dockerfile
    step_of: Callable[[str], StepId | None]
    restores: bool = False
    _stages: dict[int, _Stage] = field(default_factory=dict)
    _stage: _Stage | None = None  # the one that is built
    _key: str | None = None  # of the instruction whose image was not printed yet
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _trails: list[Trail] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Started):
            self._began(event.key)
            return
        stage = self._stage
        if stage is None or self._key is None:
            return
        if isinstance(event, Triggers):
            stage.triggers = event.count
        elif isinstance(event, ContainerStarted):
            stage.begun = event.key, event.id
        elif isinstance(event, Ended):
            self._outcomes[event.key] = event.outcome
            stage.pulled |= event.fetched
            stage.hits += event.outcome == "hit" and "." in event.key
        elif isinstance(event, ImageMade) and not event.final and event.key is not None:
            self._printed(stage, event.key, event.id)

    def _began(self, key: str) -> None:
        step = self.step_of(key)
        if "." in key or (step is not None and step.stage_index < 0):
            return  # a trigger, which belongs to its FROM; an ARG before the first FROM
        self._key = key
        if step is not None:  # None: the LABEL of `--label`, in the last stage
            self._stage = self._stages.setdefault(step.stage_index, _Stage(step.stage_index))

    def _at_head(self) -> bool:
        step = self.step_of(self._key) if self._key is not None else None
        return step is not None and step.index == 0

    def _printed(self, stage: _Stage, key: str, image: str) -> None:
        head = self._at_head()
        if head:
            made = stage.triggers - self._others(stage)
        else:
            made = int(self.restores or self._outcomes.get(key) != "hit")
        pulled = head and stage.pulled
        if made > 0 or pulled:
            self._trails.append(Trail(image, max(made, 0), pulled=pulled))
        stage.last, stage.begun, self._key = image, None, None

    def _others(self, stage: _Stage) -> int:
        """Images of a FROM's triggers that were there before."""
        return 0 if self.restores else stage.hits

    def made(self, triggers_of: TriggersOf, *, cut: bool) -> LegacyMade:
        """What the build made. `cut`: it was ended from outside, so the instruction at work may
        yet have left an image; one that failed has left none."""
        stage, key = self._stage, self._key
        if stage is None or key is None:
            return LegacyMade(tuple(self._trails))
        container = stage.begun[1] if stage.begun else None
        if self._at_head():
            return self._made_by_triggers(stage, triggers_of(stage.index), container, cut)
        step = self.step_of(key)
        if not cut or step is None or container is not None:
            return LegacyMade(tuple(self._trails), container=container)
        item = self.dockerfile.stages[step.stage_index].instructions[step.index]
        base = stage.last or self._base(stage)
        return LegacyMade(tuple(self._trails), Unprinted((item,), base, goes_on=True))

    def _made_by_triggers(
        self,
        stage: _Stage,
        texts: tuple[Instruction, ...] | None,
        container: str | None,
        cut: bool,
    ) -> LegacyMade:
        """The build ended among a FROM's triggers."""
        known = texts if texts is not None and len(texts) == stage.triggers else ()
        others = self._others(stage)
        trails, at, failed = list(self._trails), others, False
        if stage.begun is not None and container is not None:
            begun = self.step_of(stage.begun[0])
            failed = self._outcomes.get(stage.begun[0]) == "failed"
            at = stage.triggers - 1
            if known and begun is not None and begun.trigger is not None:
                at = begun.trigger
            trails.append(Trail(container, max(at - others, 0), True, stage.pulled))
        # A container whose command failed has left no image, and nothing came after it.
        steps = known[:at] if failed else known
        if not steps:
            return LegacyMade(tuple(trails), container=container)
        unprinted = Unprinted(steps, self._base(stage), others, container, at, goes_on=cut)
        return LegacyMade(tuple(trails), unprinted, container)

    def _base(self, stage: _Stage) -> str | None:
        """What the stage stands on: the printed ID of another stage, else the base as named."""
        named = self.dockerfile.stages[stage.index]
        if named.base_stage is not None and named.base_stage in self._stages:
            below = self._stages[named.base_stage]
            return below.last or self._base(below)
        return None if named.base == SCRATCH else named.base
