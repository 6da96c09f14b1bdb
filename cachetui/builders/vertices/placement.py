"""Which step of the Dockerfile a vertex is, by its printed name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cachetui.builders.vertices.alignment import StageAlignment
from cachetui.builders.vertices.expected import ExpectedVertex
from cachetui.builders.vertices.names import VertexName, likeness, parse_name, refers
from cachetui.dockerfile.instruction import is_remote
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.step import StepId

_METADATA = "internal] load metadata for "
_OF_CONTEXT = re.compile(r"\[context ([^\s\]]+)\] ")
"""A vertex of a named context (dockerui `namedcontext.go`)."""


class Placement:
    """The steps of a build's vertices; a later name can correct an earlier one's place.

    `expected` are the vertices of each stage, `needed` the stages that the target needs,
    `certain` those whose ONBUILD triggers are known.
    """

    def __init__(
        self,
        dockerfile: Dockerfile,
        needed: set[int],
        expected: Mapping[int, Sequence[ExpectedVertex]],
        certain: set[int],
    ) -> None:
        self._file = dockerfile
        self._needed = sorted(needed)
        self._expected = expected
        self._alignments = {
            stage: StageAlignment(expected[stage], stage in certain) for stage in self._needed
        }
        self._stages_named: dict[str, list[int]] = {}
        for stage in dockerfile.stages:
            if stage.index in needed:
                self._stages_named.setdefault(stage.printed_name, []).append(stage.index)
        self._steps_of_url = {
            word: vertex.id
            for stage_index in reversed(self._needed)
            for vertex in expected[stage_index]
            for word in vertex.name.split()
            if vertex.instruction.remote_sources and is_remote(word)
        }
        self.names: dict[str, VertexName] = {}
        """The names of Dockerfile steps that were printed, by key."""
        self.fixed: dict[str, StepId] = {}
        """The steps of vertices that no `stage i/n` places, by key."""
        self.borrowed: set[StepId] = set()
        """Steps whose vertices were printed under a name of another build."""
        self._image_steps: dict[str, StepId] = {}  # vertices of images → the step that names one
        self._stage_of: dict[str, int] = {}
        self._found: dict[str, StepId | None] = {}  # what `step_of` has found

    def add(self, key: str, printed: str) -> None:
        """A vertex was named."""
        self._found.clear()  # a name can say more of those before it
        name = parse_name(printed)
        if name is not None:
            self.names[key] = name
            stage = self._stage_named(name)
            if stage is not None:
                self._stage_of[key] = stage
                self._alignments[stage].add(key, name)
        elif printed in self._steps_of_url:
            self.fixed[key] = self._steps_of_url[printed]
        elif _METADATA in printed[:200]:
            self._note_image(key, printed.split(_METADATA, 1)[1])
        elif (context := _OF_CONTEXT.match(printed)) is not None:
            self._note_image(key, context[1])
        elif printed.startswith("FROM "):  # of COPY --from and RUN --mount=from
            self._note_image(key, printed[5:])
            step = self._image_steps.get(key)
            if step is not None and step.index == 0:
                self.fixed[key] = step  # the image is a stage's base too: one vertex

    def failed(self, key: str) -> None:
        """A vertex failed. An image that could not be had is a failed FROM or COPY, which has no
        vertex of its own then."""
        if key in self._image_steps:
            self.fixed[key] = self._image_steps[key]
            self._found.pop(key, None)

    def step_of(self, key: str) -> StepId | None:
        """The step of a vertex, None when it is none of the Dockerfile's."""
        if key not in self._found:
            self._found[key] = self.fixed.get(key) or self._find(key)
        return self._found[key]

    def keys_of_steps(self) -> dict[StepId, list[str]]:
        """The keys of each step's vertices, in the order in which they were named."""
        keys: dict[StepId, list[str]] = {}
        for key in (*self.fixed, *self.names):
            step = self.step_of(key)
            if step is not None:
                keys.setdefault(step, []).append(key)
        return keys

    def has_certain_triggers(self, stage: int) -> bool:
        """Whether a stage is built, and there are no triggers in it but those expected."""
        return stage in self._alignments and self._alignments[stage].certain

    def unexpected_triggers(self, stage: int) -> dict[int, VertexName]:
        """Triggers that only the output tells of, by their number."""
        return self._alignments[stage].extra if stage in self._alignments else {}

    def _note_image(self, key: str, printed: str) -> None:
        """Note the first step that names this image, in FROM or else in COPY --from or a mount."""
        stages = [self._file.stages[index] for index in self._needed]
        named = [(s.base, StepId(s.index, 0)) for s in stages if s.is_external]
        for index in self._needed:
            for vertex in self._expected[index]:
                item = vertex.instruction
                images = [m.from_ for m in item.mounts if m.from_ and m.from_stage is None]
                images += [item.copy_from] if isinstance(item.copy_from, str) else []
                named += [(image, vertex.id) for image in images]
        step = next((s for name, s in named if name == printed or refers(name, printed)), None)
        if step is not None:
            self._image_steps[key] = step

    def _stage_named(self, name: VertexName) -> int | None:
        """The stage of a name: by the stage's printed name, then by what fits."""
        stages = self._stages_named.get(name.stage or "", [])
        if len(self._file.stages) == 1 and name.stage is None:
            stages = [0]
        if len(stages) <= 1:
            return stages[0] if stages else None

        def fit(stage: int) -> tuple[int, int]:
            likes = [likeness(name, vertex) for vertex in self._expected[stage]]
            return (1 if self._alignments[stage].count == name.n else 0, max(likes))

        # Stages of one name: the last is what BuildKit's references mean.
        return max(reversed(stages), key=fit)

    def _find(self, key: str) -> StepId | None:
        """The step of a vertex: by its stage and number, if its text fits there, else by its
        text alone. An engine that works for two builds at once prints a vertex that they share
        under the name that the other build gave it (lab): another stage, another number."""
        name = self.names.get(key)
        if name is None:
            return None
        stage = self._stage_of.get(key)
        place = None if stage is None else self._alignments[stage].place(key)
        if isinstance(place, int) and stage is not None:
            return StepId(stage, 0, place)
        fits = 0 if place is None or isinstance(place, int) else likeness(name, place)
        if fits < 2:
            better = self._by_text(name)
            if better is not None:
                self.borrowed.add(better)
                return better
        return place.id if fits and isinstance(place, ExpectedVertex) else None

    def _by_text(self, name: VertexName) -> StepId | None:
        """The first step whose text is the name's."""
        for stage in self._needed:
            for vertex in self._expected[stage]:
                if vertex.vertex is not False and likeness(name, vertex) >= 3:
                    return vertex.id
        return None
