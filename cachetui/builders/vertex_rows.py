"""BuildKit's vertices as steps of the Dockerfile.

Sources: buildkit `frontend/dockerfile/dockerfile2llb/convert.go` and our lab (20.10, 26.1, 28.5,
28.5 with the containerd store).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cachetui.builders.events import Ended, Triggers
from cachetui.builders.expected_vertices import Shape, shapes
from cachetui.builders.step_rows import Row, Work
from cachetui.builders.vertex_names import Aligner, VertexName, likeness, parse_name, refers
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction, is_remote
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.step import StepId, StepStatus

_METADATA = "internal] load metadata for "


class BuildKitRows:
    """FROM, RUN, COPY, ADD, WORKDIR and the triggers among them, by their vertices' names.

    Folded into one step: the two vertices of a remote ADD (20.10 names the first by its URL),
    `COPY --link`'s copy and its LINK, one instruction's vertices of several platforms.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        needed: set[int],
        known: Mapping[int, tuple[Instruction, ...] | None],
        build_args: Mapping[str, str],
    ) -> None:
        self._file = dockerfile
        self._needed = needed
        brought = {index: items or () for index, items in known.items()}
        self._shapes = shapes(dockerfile, build_args, brought)
        self._aligners = {
            index: Aligner(found, known[index] is not None)
            for index, found in self._shapes.items()
            if index in needed
        }
        self._stages: dict[str, list[int]] = {}
        for stage in dockerfile.stages:
            if stage.index in needed:
                self._stages.setdefault(stage.printed_name, []).append(stage.index)
        self.borrowed: set[StepId] = set()  # printed under another build's name
        self._names: dict[str, VertexName] = {}
        self._placed: dict[str, int] = {}  # key → stage
        self._steps: dict[str, StepId | None] = {}  # what `step_of` has found
        self._fixed: dict[str, StepId] = {}  # keys that no `stage i/n` places
        self._bases: dict[str, StepId] = {}  # vertices of images → the step that names the image
        self._well: set[str] = set()  # keys of what ended well
        self._hits: set[str] = set()  # and of those that were told as cached
        self._failed: dict[str, str] = {}  # keys of what failed → the error
        self._passed: set[StepId] | None = None  # what `_passed_over` has found
        self._remote = {
            word: shape.id
            for index in sorted(needed, reverse=True)
            for shape in self._shapes[index]
            for word in shape.name.split()
            if shape.instruction.remote_sources and is_remote(word)
        }
        self._equal: dict[str, list[StepId]] = {}
        for index in sorted(needed):
            for shape in self._shapes[index]:
                if shape.vertex is not False:
                    self._equal.setdefault(shape.key, []).append(shape.id)
        self._items = {
            shape.id: shape.instruction for found in self._shapes.values() for shape in found
        }
        self._key_of = {
            shape.id: shape.key
            for found in self._shapes.values()
            for shape in found
            if shape.vertex is not False
        }

    def began(self, key: str, name: str) -> None:
        self._passed = None
        self._steps.clear()  # a name can tell more of those before it
        parsed = parse_name(name)
        if parsed is not None:
            self._names[key] = parsed
            stage = self._stage_of(parsed)
            if stage is not None:
                self._placed[key] = stage
                self._aligners[stage].add(key, parsed)
        elif name in self._remote:
            self._fixed[key] = self._remote[name]
        elif _METADATA in name[:200]:
            self._image(key, name.split(_METADATA, 1)[1])
        elif name.startswith("FROM "):  # of COPY --from and RUN --mount=from
            self._image(key, name[5:])
            found = self._bases.get(key)
            if found is not None and found.index == 0:
                self._fixed[key] = found  # the image is a stage's base too: one vertex

    def _image(self, key: str, printed: str) -> None:
        """Note the first step that names this image, in FROM or else in COPY --from or a mount."""
        stages = [self._file.stages[index] for index in sorted(self._needed)]
        named = [(s.base, StepId(s.index, 0)) for s in stages if s.is_external]
        for index in sorted(self._needed):
            for shape in self._shapes[index]:
                item = shape.instruction
                images = [m.from_ for m in item.mounts if m.from_ and m.from_stage is None]
                images += [item.copy_from] if isinstance(item.copy_from, str) else []
                named += [(image, shape.id) for image in images]
        found = next((step for image, step in named if refers(image, printed)), None)
        if found is not None:
            self._bases[key] = found

    def _stage_of(self, name: VertexName) -> int | None:
        """The stage of a name: by the stage's printed name, then by what fits."""
        found = self._stages.get(name.stage or "", [])
        if len(self._file.stages) == 1 and name.stage is None:
            found = [0]
        if len(found) <= 1:
            return found[0] if found else None

        def fit(stage: int) -> tuple[int, int]:
            likes = [likeness(name, shape) for shape in self._shapes[stage]]
            return (1 if self._aligners[stage].count == name.n else 0, max(likes))

        # Stages of one name: the last is what BuildKit's references mean.
        return max(reversed(found), key=fit)

    def triggers(self, event: Triggers) -> None:
        """BuildKit does not say how many there are."""

    def ended(self, event: Ended) -> None:
        """An image that could not be had is a failed FROM or COPY, without a vertex of its own."""
        self._passed = None
        for keys, outcomes in ((self._well, ("hit", "done")), (self._hits, ("hit",))):
            if event.outcome in outcomes:
                keys.add(event.key)
            else:
                keys.discard(event.key)
        self._failed.pop(event.key, None)
        if event.outcome == "failed":
            self._failed[event.key] = event.error or ""
        if event.outcome == "failed" and event.key in self._bases:
            self._fixed[event.key] = self._bases[event.key]
            self._steps.pop(event.key, None)

    def step_of(self, key: str) -> StepId | None:
        if key not in self._steps:
            self._steps[key] = self._fixed.get(key) or self._find(key)
        return self._steps[key]

    def _find(self, key: str) -> StepId | None:
        """The step of a vertex: by its stage and number, if its text fits there, else by its
        text alone. An engine that works for two builds at once prints a vertex that they share
        under the name that the other build gave it (lab): another stage, another number."""
        name = self._names.get(key)
        if name is None:
            return None
        stage = self._placed.get(key)
        place = None if stage is None else self._aligners[stage].place(key)
        if isinstance(place, int) and stage is not None:
            return StepId(stage, 0, place)
        fits = 0 if place is None or isinstance(place, int) else likeness(name, place)
        if fits < 2:
            better = next(
                (
                    shape.id
                    for index in sorted(self._needed)
                    for shape in self._shapes[index]
                    if shape.vertex is not False and likeness(name, shape) >= 3
                ),
                None,
            )
            if better is not None:
                self.borrowed.add(better)
                return better
        return place.id if fits and isinstance(place, Shape) else None

    def rows(self) -> list[Row]:
        keys: dict[StepId, list[str]] = {}
        for key in (*self._fixed, *self._names):
            step = self.step_of(key)
            if step is not None:
                keys.setdefault(step, []).append(key)
        found: list[Row] = []
        for stage in self._file.stages:
            for shape in self._shapes[stage.index]:
                if shape.id.trigger is None or self._shown(stage.index, shape, keys):
                    found.append(Row(shape.id, shape.instruction, keys.get(shape.id, [])))
                if shape.id == StepId(stage.index, 0):
                    found.extend(self._untold(stage.index, shape, keys))
        return found

    def _shown(self, stage: int, shape: Shape, keys: Mapping[StepId, list[str]]) -> bool:
        """Whether a trigger that the file or the image tells of is a step of the run."""
        return stage in self._needed and (shape.id in keys or self._aligners[stage].certain)

    def _untold(self, stage: int, head: Shape, keys: Mapping[StepId, list[str]]) -> list[Row]:
        """Triggers that only the output tells of."""
        extra = self._aligners[stage].extra if stage in self._needed else {}
        return [
            Row(StepId(stage, 0, k), head.instruction, keys.get(StepId(stage, 0, k), []), name.text)
            for k, name in sorted(extra.items())
        ]

    def hit_or_miss(self, row: Row, works: Sequence[Work]) -> StepStatus:
        """A group is cached when all of it is (`progressui/display.go` vertexGroup.refresh).
        Of a remote ADD the fetch comes first and is never told as cached in earnest: the last
        vertex, which puts the file into the image, decides."""
        ends = [work.ended for work in works if work.ended is not None]
        if row.instruction.remote_sources or is_remote_text(row.text):
            ends = ends[-1:]
        if not all(end.outcome == "hit" for end in ends):
            return "miss"
        return "not-reached" if row.id in self._passed_over() else "hit"

    def _passed_over(self) -> set[StepId]:
        """Steps that were told as cached, and were neither built nor looked up.

        A step whose source is missing fails while its cache key is sought, which needs nothing of
        what it stands on; BuildKit then calls all of that cached that had not begun, even with
        `--no-cache` (lab, all engines: the next build runs those steps). So do not believe it of
        the steps above such a one, up to one that did begin.
        """
        if self._passed is None:
            began = {self.step_of(key) for key in self._names if key not in self._hits}
            self._passed = set()
            for key, error in self._failed.items():
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
            steps = [shape.id for shape in self._shapes[stage]]
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
        own = [shape.id for shape in self._shapes[row.id.stage_index]]
        below = own[own.index(row.id) + 1 :] if row.id in own else []
        below = [step for step in below if step in seen and step not in self._passed_over()]
        ends = {key for step in below for key in seen[step].keys if not self._is_apart(key, step)}
        return "hit" if ends & self._well else "not-reached"

    def _is_apart(self, key: str, step: StepId) -> bool:
        """Whether a vertex is the copy of a `--link`, made beside the stage."""
        name, item = self._names.get(key), self._items.get(step)
        if name is None or item is None or item.flag("link") is None:
            return False
        return not name.text.startswith("LINK ")

    def twin(self, row: Row, seen: Mapping[StepId, Row]) -> Row | None:
        if row.id.stage_index not in self._needed:
            return None
        equal = self._equal.get(self._key_of.get(row.id, ""), ())
        return next((seen[step] for step in equal if step in seen), None)


def _may_lack_its_source(item: Instruction | None, error: str) -> bool:
    """Whether a step may have failed before what it stands on was needed. The errors of a RUN
    whose process ended badly are `executor failed running …` (20.10) and `process …`."""
    if item is None:
        return False
    ran = error.startswith(("executor failed running", "process "))
    return item.keyword in FILE_KEYWORDS or (item.keyword == "RUN" and not ran)


def is_remote_text(text: str | None) -> bool:
    """Whether a printed instruction is an ADD of something remote."""
    words = (text or "").split()
    return bool(words) and words[0] == "ADD" and any(is_remote(word) for word in words[1:-1])
