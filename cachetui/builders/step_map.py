"""From a build's events to the steps of its Dockerfile: the same step on both backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec.structs

from cachetui.builders.events import Ended, Event, Log, Started, Triggers
from cachetui.builders.registry import builder_named
from cachetui.builders.step_rows import Row, Work
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.dockerfile.triggers import stage_triggers
from cachetui.records.backend import Backend
from cachetui.records.step import Step, StepId, StepStatus

MAX_KEYS = 20_000
"""Steps or vertices of a run that are kept track of."""


Unended = Literal["stopped", "lost"]


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a build ended: see `StepMap.steps`. `cut` says that steps may be missing."""

    final: bool
    run_failed: bool
    unended: Unended | None
    cut: bool


class StepMap:
    """The steps of one run. Takes its events in order and can be asked at any time.

    `triggers` maps the reference of a base image, as the Dockerfile's FROM has it with its ARGs
    put in, to the image's ONBUILD triggers (`docker image inspect`, Config.OnBuild). Without it
    triggers are numbered as they show: BuildKit shows only those that make a vertex, the legacy
    builder the text of none.

    Raises `DockerfileError` for a target that is not there and for an empty base.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        target: str | None,
        backend: Backend,
        build_args: Mapping[str, str] | None = None,
        triggers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.dockerfile = dockerfile.with_build_args(build_args or {})
        self._builder = builder_named(backend)
        self._works: dict[str, Work] = {}
        self._triggers = {
            stage.index: stage_triggers(self.dockerfile, stage.index, triggers or {})
            for stage in self.dockerfile.stages
        }
        self._rows = self._builder.rows(self.dockerfile, target, self._triggers, build_args or {})

    @property
    def unknown_triggers(self) -> tuple[str, ...]:
        """Base images that were said to bring ONBUILD triggers whose texts are not known (legacy
        only: BuildKit names them)."""
        stages = (self.dockerfile.stages[index] for index in self._rows.with_triggers)
        return tuple(dict.fromkeys(s.base for s in stages if self._triggers[s.index] is None))

    def learn_triggers(self, triggers: Mapping[str, Sequence[str]]) -> None:
        """The triggers of base images, for stages whose own were not known so far."""
        for stage in self._rows.with_triggers:
            if self._triggers[stage] is None:
                self._triggers[stage] = stage_triggers(self.dockerfile, stage, triggers)

    def triggers_of(self, stage_index: int) -> tuple[Instruction, ...] | None:
        """The ONBUILD triggers that run in a stage, None where they are not known."""
        return self._triggers.get(stage_index)

    @property
    def total(self) -> int:
        """How many steps the target has, as far as is known: base images can bring triggers."""
        rows = self._rows.rows()
        return sum(self._rows.unseen(row, {}, cut=True) != "not-needed" for row in rows)

    def apply(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Log):
            work = self._works.get(event.key)
            if work is not None and event.data:
                work.lines += event.data.count(b"\n")
                work.open_line = not event.data.endswith(b"\n")
        elif isinstance(event, Started):
            if event.key not in self._works and len(self._works) < MAX_KEYS:
                self._works[event.key] = Work(event.at)
                self._rows.began(event.key, event.name)
        elif isinstance(event, Ended):
            work = self._works.get(event.key)
            if work is not None:
                work.ended = event
                self._rows.ended(event)
        elif isinstance(event, Triggers):
            self._rows.triggers(event)

    def step_of(self, key: str) -> StepId | None:
        """The step that a `Log` of this key belongs to, None when it is none of the
        Dockerfile's. Of triggers that nothing is known of, a later vertex can still correct it."""
        return self._rows.step_of(key)

    def running(self) -> tuple[StepId, ...]:
        """Steps that have begun and not ended, in the order they began."""
        steps: dict[StepId, None] = {}
        for key, work in self._works.items():
            step = self._rows.step_of(key) if work.ended is None else None
            if step is not None:
                steps[step] = None
        return tuple(steps)

    def borrowed(self) -> tuple[StepId, ...]:
        """Steps that another build on the same engine has at work too, and that were printed
        under its names: their seconds are that build's (BuildKit, lab)."""
        return tuple(sorted(self._rows.borrowed, key=lambda step: (step.stage_index, step.index)))

    def steps(
        self,
        *,
        final: bool = False,
        run_failed: bool = False,
        unended: Unended | None = None,
    ) -> tuple[Step, ...]:
        """The steps in the file's order, triggers after their FROM.

        While the build runs (`final` False): those of which something is known. At its end: all
        of them. `run_failed` says that the build itself failed (its exit status): then a step of
        the legacy builder that never ended is the one that failed. `unended` is what a step is
        that was at work when the run was stopped or lost, whatever its builder said of it then.
        """
        cut = final and (run_failed or unended is not None or not self._ended_well())
        ending = _Ending(final, run_failed, unended, cut)
        rows = self._rows.rows()
        seen = {row.id: row for row in rows if any(key in self._works for key in row.keys)}
        steps = (self._step(row, seen, ending) for row in rows)
        return tuple(step for step in steps if step is not None)

    def _ended_well(self) -> bool:
        return bool(self._works) and all(
            work.ended is not None and work.ended.outcome in ("hit", "done")
            for work in self._works.values()
        )

    def _step(self, row: Row, seen: Mapping[StepId, Row], ending: _Ending) -> Step | None:
        works = [self._works[key] for key in row.keys if key in self._works]
        shared: StepId | None = None
        if not works:
            twin = self._rows.twin(row, seen)
            if twin is not None:
                works = [self._works[key] for key in twin.keys if key in self._works]
                shared = twin.id
        if not works:
            status = self._rows.unseen(row, seen, ending.cut)
            if status is None and ending.final:
                status = "not-reached" if self._builder.sequential or ending.cut else "hit"
            return None if status is None else self._blank(row, status)
        status = self._status(row, works, ending)
        if status is None:
            return None
        step = self._seen(row, works, status)
        if shared is not None:
            step = msgspec.structs.replace(
                step,
                same_as=(shared.stage_index, shared.index),
                same_as_trigger=shared.trigger,
                log_lines=0,
            )
        return step

    def _status(self, row: Row, works: Sequence[Work], ending: _Ending) -> StepStatus | None:
        ends = [work.ended for work in works if work.ended is not None]
        outcomes = [end.outcome for end in ends]
        if "failed" in outcomes:
            return ending.unended or "failed"
        if "cancelled" in outcomes or len(ends) < len(works):
            if not ending.final:
                return None
            failed = ending.run_failed and self._builder.sequential
            return ending.unended or ("failed" if failed else "not-reached")
        if row.instruction.keyword == "FROM" and row.id.trigger is None:
            return "miss" if any(end.fetched for end in ends) else "hit"
        return self._rows.hit_or_miss(row, works)

    def _blank(self, row: Row, status: StepStatus) -> Step:
        index = row.id.stage_index
        return Step(
            stage=self.dockerfile.stages[index].name if index >= 0 else None,
            stage_index=index,
            index=row.id.index,
            trigger=row.id.trigger,
            line=row.instruction.line,
            instruction=row.shown,
            status=status,
        )

    def _seen(self, row: Row, works: Sequence[Work], status: StepStatus) -> Step:
        ends = [work.ended for work in works if work.ended is not None]
        seconds = [end.seconds for end in ends if end.seconds is not None]
        started = [end.started for end in ends if end.started is not None]
        finished = [end.finished for end in ends if end.finished is not None]
        error = next((end.error for end in ends if end.error), None)
        pulls = [end for end in ends if end.fetched] if _may_import(row, status) else []
        sizes = [end.fetched_bytes for end in pulls if end.fetched_bytes is not None]
        return msgspec.structs.replace(
            self._blank(row, status),
            seconds=sum(seconds) if seconds else None,
            timing=ends[-1].timing if seconds else None,
            started=min(started or [work.started for work in works]),
            finished=max(finished) if finished else None,
            error=error if status not in ("hit", "miss") else None,
            log_lines=sum(work.log_lines for work in works),
            pulled_seconds=sum(end.seconds or 0.0 for end in pulls) if pulls else None,
            pulled_bytes=sum(sizes) if sizes else None,
        )


def _may_import(row: Row, status: StepStatus) -> bool:
    """Whether what the step pulled came from an imported cache: a FROM pulls its image."""
    return status == "hit" and (row.instruction.keyword != "FROM" or row.id.trigger is not None)
