"""What BuildKit's vertices say of each step of the Dockerfile.

Sources: buildkit `frontend/dockerfile/dockerfile2llb/convert.go` and our lab (20.10, 26.1, 28.5,
28.5 with the containerd store).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cachetui.builders.events import Ended, Triggers
from cachetui.builders.step_rows import Row, Work
from cachetui.builders.vertices.expected import ExpectedVertex, expected_vertices
from cachetui.builders.vertices.placement import Placement
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction, is_remote
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.step import StepId, StepStatus


class BuildKitRows:
    """FROM, RUN, COPY, ADD, WORKDIR and the triggers among them, by their vertices' names.

    Folded into one step: the two vertices of a remote ADD (20.10 names the first by its URL),
    `COPY --link`'s copy and its LINK, one instruction's vertices of several platforms.
    `triggers` are the ONBUILD triggers of each stage, None where they are not known.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        needed: set[int],
        triggers: Mapping[int, tuple[Instruction, ...] | None],
        build_args: Mapping[str, str],
    ) -> None:
        self._file = dockerfile
        self._needed = needed
        known = {stage: items or () for stage, items in triggers.items()}
        self._expected = expected_vertices(dockerfile, build_args, known)
        certain = {stage for stage, items in triggers.items() if items is not None}
        self._placement = Placement(dockerfile, needed, self._expected, certain)
        self._ended_well: set[str] = set()  # keys
        self._hits: set[str] = set()  # keys of those that were called cached
        self._errors: dict[str, str] = {}  # keys of what failed → the error
        self._passed: set[StepId] | None = None  # what `_passed_over` has found
        vertices = [vertex for stage in self._expected.values() for vertex in stage]
        self._items = {vertex.id: vertex.instruction for vertex in vertices}
        self._digest_of = {v.id: v.key for v in vertices if v.vertex is not False}
        self._equal: dict[str, list[StepId]] = {}
        for stage in sorted(needed):
            for vertex in self._expected[stage]:
                if vertex.vertex is not False:
                    self._equal.setdefault(vertex.key, []).append(vertex.id)

    @property
    def with_triggers(self) -> tuple[int, ...]:
        """See `Rows.with_triggers`."""
        return ()

    @property
    def borrowed(self) -> set[StepId]:
        """See `Rows.borrowed`."""
        return self._placement.borrowed

    def began(self, key: str, name: str) -> None:
        self._passed = None
        self._placement.add(key, name)

    def triggers(self, event: Triggers) -> None:
        """BuildKit does not say how many there are."""

    def ended(self, event: Ended) -> None:
        self._passed = None
        for keys, outcomes in ((self._ended_well, ("hit", "done")), (self._hits, ("hit",))):
            if event.outcome in outcomes:
                keys.add(event.key)
            else:
                keys.discard(event.key)
        self._errors.pop(event.key, None)
        if event.outcome == "failed":
            self._errors[event.key] = event.error or ""
            self._placement.failed(event.key)

    def step_of(self, key: str) -> StepId | None:
        return self._placement.step_of(key)

    def rows(self) -> list[Row]:
        keys = self._placement.keys_of_steps()
        rows: list[Row] = []
        for stage in self._file.stages:
            certain = self._placement.has_certain_triggers(stage.index)
            for vertex in self._expected[stage.index]:
                step = vertex.id
                built = stage.index in self._needed and (step in keys or certain)
                if step.trigger is None or built:
                    rows.append(Row(step, vertex.instruction, keys.get(step, [])))
                if step == StepId(stage.index, 0):
                    rows.extend(self._unexpected(stage.index, vertex, keys))
        return rows

    def _unexpected(
        self, stage: int, head: ExpectedVertex, keys: Mapping[StepId, list[str]]
    ) -> Iterator[Row]:
        """Triggers that only the output tells of."""
        for number, name in sorted(self._placement.unexpected_triggers(stage).items()):
            step = StepId(stage, 0, number)
            yield Row(step, head.instruction, keys.get(step, []), name.text)

    def hit_or_miss(self, row: Row, works: Sequence[Work]) -> StepStatus:
        """A group is cached when all of it is (`progressui/display.go` vertexGroup.refresh).
        Of a remote ADD the fetch comes first and is never called cached in earnest: the last
        vertex, which puts the file into the image, decides."""
        ends = [work.ended for work in works if work.ended is not None]
        if row.instruction.remote_sources or _is_remote_add(row.text):
            ends = ends[-1:]
        if not all(end.outcome == "hit" for end in ends):
            return "miss"
        return "not-reached" if row.id in self._passed_over() else "hit"

    def _passed_over(self) -> set[StepId]:
        """Steps that were called cached, and were neither built nor looked up.

        A step whose source is missing fails while its cache key is sought, which needs nothing of
        what it stands on; BuildKit then calls all of that cached that had not begun, even with
        `--no-cache` (lab, all engines: the next build runs those steps). So do not believe it of
        the steps above such a one, up to one that did begin.
        """
        if self._passed is None:
            began = {self.step_of(key) for key in self._placement.names if key not in self._hits}
            self._passed = set()
            for key, error in self._errors.items():
                failed = self.step_of(key)
                if failed is not None and _may_lack_its_source(self._items.get(failed), error):
                    for step in self._above(failed):
                        if step in began:
                            break
                        self._passed.add(step)
        return self._passed

    def _above(self, step: StepId) -> Iterator[StepId]:
        """The steps that a step stands on, the nearest first."""
        stage: int | None = step.stage_index
        while stage is not None:
            steps = [vertex.id for vertex in self._expected[stage]]
            yield from reversed(steps[: steps.index(step)] if step in steps else steps)
            stage = self._file.stages[stage].base_stage

    def unseen(self, row: Row, seen: Mapping[StepId, Row], cut: bool) -> StepStatus | None:
        """Without a vertex are: FROM scratch and FROM a stage, `WORKDIR /`, and steps above a
        result that was in the cache whole. All of them hit, unless the build did not get there:
        that it did is seen from a later vertex of the stage that ended well, and stands on them:
        not one that was passed over, nor the copy of `COPY --link`, which stands on nothing."""
        if row.id.stage_index not in self._needed:
            return "not-needed"
        if not cut:
            return None
        own = [vertex.id for vertex in self._expected[row.id.stage_index]]
        below = own[own.index(row.id) + 1 :] if row.id in own else []
        below = [step for step in below if step in seen and step not in self._passed_over()]
        keys = {key for step in below for key in seen[step].keys if not self._is_apart(key, step)}
        return "hit" if keys & self._ended_well else "not-reached"

    def _is_apart(self, key: str, step: StepId) -> bool:
        """Whether a vertex is the copy of a `--link`, made beside the stage."""
        name, item = self._placement.names.get(key), self._items.get(step)
        if name is None or item is None or item.flag("link") is None:
            return False
        return not name.text.startswith("LINK ")

    def twin(self, row: Row, seen: Mapping[StepId, Row]) -> Row | None:
        if row.id.stage_index not in self._needed:
            return None
        equal = self._equal.get(self._digest_of.get(row.id, ""), ())
        return next((seen[step] for step in equal if step in seen), None)


def _may_lack_its_source(item: Instruction | None, error: str) -> bool:
    """Whether a step may have failed before what it stands on was needed. The errors of a RUN
    whose process ended badly are `executor failed running …` (20.10) and `process …`."""
    if item is None:
        return False
    ran = error.startswith(("executor failed running", "process "))
    return item.keyword in FILE_KEYWORDS or (item.keyword == "RUN" and not ran)


def _is_remote_add(text: str | None) -> bool:
    """Whether a printed instruction is an ADD of something remote."""
    words = (text or "").split()
    return bool(words) and words[0] == "ADD" and any(is_remote(word) for word in words[1:-1])
