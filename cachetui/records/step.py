"""A step of a run: its place in the Dockerfile, how it ended and how long it took."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from cachetui.records.base import Record

StepStatus = Literal[
    "hit", "miss", "failed", "stopped", "lost", "not-needed", "not-reached", "unsupported"
]
"""How a step ended. One that was at work when its run was stopped is `stopped`; one whose host or
engine was lost meanwhile is `lost`: neither says anything about the build."""

Timing = Literal["engine", "printed", "arrival"]

Origin = Literal["imported", "here", "either", "unknown"]
"""Where a hit of a build that imports a cache came from: the import, or the host's own cache, which
had it before; one of them (`either`); or a look at the host's own cache left it there just before,
and nothing tells whether the import has it (`unknown`)."""


class StepId(msgspec.Struct, frozen=True, gc=False):
    """Where a step stands in its Dockerfile: the same on both backends and all hosts.

    `stage_index` counts FROMs from 0 (-1: the ARGs before the first FROM); `index` counts the
    stage's instructions, FROM being 0; `trigger` counts the ONBUILD triggers that the stage's
    base image brings (they run right after FROM, so their `index` is 0), None for an
    instruction of the Dockerfile itself.
    """

    stage_index: int
    index: int
    trigger: int | None = None


class Step(Record, frozen=True, kw_only=True):
    """One instruction of the Dockerfile in a run.

    `line` is 1-based; `instruction` is as written, continuation lines joined; that of a base
    image's trigger is `ONBUILD RUN …` at its FROM's line, `ONBUILD` alone where nothing tells.
    `seconds` is the time it was at work, None where nothing tells; `timing` says who measured
    it: the `engine` (timestamps), the engine's `printed` figure (0.1 s steps), or the `arrival`
    of its output here. `started` and `finished` are seconds since the run began. `same_as`
    and `same_as_trigger` name the step whose vertex this one shares (BuildKit builds equal steps
    once): see `twin`. `log_lines`
    counts the kept log; the text itself is in the store. `pulled_seconds` and `pulled_bytes` are
    what it cost to pull the layers of a hit in an imported cache, and are part of `seconds`; None
    where nothing was pulled, the bytes also where the engine does not say (a graph driver's store).
    `origin` is that of a hit in a `buildkit-imported` run, None elsewhere.
    """

    stage: str | None
    stage_index: int
    index: int
    trigger: int | None = None
    line: int
    instruction: str
    status: StepStatus
    seconds: float | None = None
    timing: Timing | None = None
    started: float | None = None
    finished: float | None = None
    same_as: tuple[int, int] | None = None
    same_as_trigger: int | None = None
    error: str | None = None
    log_lines: int = 0
    pulled_seconds: float | None = None
    pulled_bytes: int | None = None
    origin: Origin | None = None

    @property
    def id(self) -> StepId:
        return StepId(self.stage_index, self.index, self.trigger)

    @property
    def twin(self) -> StepId | None:
        """The step whose vertex this one shares, None where it has one of its own."""
        if self.same_as is None:
            return None
        stage, index = self.same_as
        if index == 0 and self.same_as_trigger is None:
            # Records of earlier versions do not say which trigger; equal bases have equal ones.
            return StepId(stage, index, self.trigger)
        return StepId(stage, index, self.same_as_trigger)

    @property
    def keyword(self) -> str:
        """The instruction's name in upper case: RUN, COPY, …; of a trigger what it runs."""
        return _keyword(self.instruction, self.trigger is not None)

    @property
    def counts(self) -> bool:
        """Whether the step counts in a hit ratio: FROM and the ARGs before it never do."""
        can_hit = self.keyword != "FROM" and self.stage_index >= 0
        return can_hit and self.status in ("hit", "miss", "failed")


@lru_cache(maxsize=4096)
def _keyword(instruction: str, triggered: bool) -> str:
    """Asked of each step of each run again and again, which in a fleet have few texts."""
    words = instruction.split(None, 2)
    if triggered and len(words) > 1 and words[0].upper() == "ONBUILD":
        del words[0]
    return words[0].upper() if words else ""


def hit_ratio(steps: tuple[Step, ...]) -> float | None:
    """Hits over the steps that can hit (see `Step.counts`), None when there are none."""
    counted = [step for step in steps if step.counts]
    if not counted:
        return None
    return sum(step.status == "hit" for step in counted) / len(counted)
