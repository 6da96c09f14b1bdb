"""Which keys of a cache are which steps of a Dockerfile, as far as the shape of its graph tells.

A key is a digest and names no instruction. What tells is how keys stand on each other: a RUN reads
its root whole (a selector of the path `/`), COPY and ADD have a second input that they copy from,
WORKDIR has one input without a selector, and `COPY --from` names the path that it copies by the
path's digest (BuildKit `solver/llbsolver/ops/exec.go` and `file.go`; seen with caches of our lab's
28.5). So the Dockerfile is laid on the graph in every way in which it fits; a step is known where
all of the ways that fit best agree. A layer of an image that was built with the cache is surer: its
content's digest is that of one of the cache's layers, and the image's history says which step made
it. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cachetui.builders.cache_manifest import Blob, Graph, Key, Link, Results
from cachetui.builders.vertices.expected import ExpectedVertex, expected_vertices
from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction, clean_path
from cachetui.dockerfile.parse import Dockerfile, needed_stages
from cachetui.dockerfile.stages import SCRATCH
from cachetui.records.shared_cache import CachedStep, Held
from cachetui.records.step import StepId

TRIES = 20_000
MAX_STEPS = 300
"""Placings that are tried, a second or so, and steps that are placed. Beyond, all is unknown."""

ROOT = hashlib.sha256(b"/").hexdigest()

Placing = Mapping[StepId, frozenset[int]]
"""Per step the keys that it may be; none where the cache has no such key. A step that is missing
is one of which nothing is known."""


@dataclass(frozen=True, slots=True)
class _Sought:
    """A step to be placed: the step it stands on, None at a stage's base (`base` is its reference,
    "" for scratch), and the last step of the stage it copies from."""

    vertex: ExpectedVertex
    below: StepId | None
    base: str
    copies: StepId | None

    @property
    def item(self) -> Instruction:
        return self.vertex.instruction


def cached_steps(
    dockerfile: Dockerfile,
    target: str | None,
    build_args: Mapping[str, str],
    graph: Graph,
    blobs: Sequence[Blob],
    made: Mapping[StepId, str] | None = None,
) -> tuple[CachedStep, ...]:
    """What a cache has of each RUN, COPY, ADD and WORKDIR of the stages that the target needs;
    `blobs` are the layers that results name by position. `made` maps steps to what they made in an
    image, as digests of uncompressed layers. Raises `DockerfileError` for an unknown target."""
    known = _by_layers(graph, blobs, made or {})
    placing = {**place_steps(dockerfile, target, build_args, graph, known), **known}
    steps: list[CachedStep] = []
    for index in sorted(needed_stages(dockerfile, target)):
        stage = dockerfile.stages[index]
        for item in stage.instructions:
            if item.keyword not in BUILDKIT_KEYWORDS:
                continue
            keys = placing.get(StepId(index, item.index))
            place = StepId(index, item.index)
            results = [graph.keys[number].results for number in keys or ()]
            if place in known and made is not None:
                results = [_with_layer(each, blobs, made[place]) for each in results][:1]
            held: Held = "unknown"
            if keys is not None and len({bool(each) for each in results}) < 2:
                held = "absent" if not keys else "kept" if results[0] else "not-kept"
            places, created = results[0][0] if held == "kept" and len(results) == 1 else ((), None)
            added = [blobs[at] for at in places[-1:] if at < len(blobs)]
            steps.append(
                CachedStep(
                    stage=stage.name,
                    stage_index=index,
                    index=item.index,
                    line=item.line,
                    instruction=item.text,
                    held=held,
                    layers=tuple(blob.digest for blob in added),
                    bytes=sum(blob.bytes for blob in added) if added else None,
                    created=created,
                    told_by="image" if place in known else None if held == "unknown" else "shape",
                )
            )
    return tuple(steps)


def _by_layers(graph: Graph, blobs: Sequence[Blob], made: Mapping[StepId, str]) -> Placing:
    """The keys of those steps whose layer in the image is one of the cache's."""
    found = {
        step: frozenset(
            number
            for number, key in enumerate(graph.keys)
            if _with_layer(key.results, blobs, layer)
        )
        for step, layer in made.items()
    }
    return {step: keys for step, keys in found.items() if keys}


def _with_layer(results: Results, blobs: Sequence[Blob], layer: str) -> Results:
    """The results that end with a layer of this content."""
    return tuple(
        (places, created)
        for places, created in results
        if places[-1] < len(blobs) and blobs[places[-1]].diff_id == layer
    )


def place_steps(
    dockerfile: Dockerfile,
    target: str | None,
    build_args: Mapping[str, str],
    graph: Graph,
    known: Placing | None = None,
) -> Placing:
    """The keys of each step of the stages that the target needs. Steps of a stage with `--link`,
    and what stands on them, are left out: BuildKit makes several keys of one. The steps that are
    `known` are placed at no other key. Raises `DockerfileError` for an unknown target."""
    sought = tuple(_sought(dockerfile, target, build_args))
    if len(sought) > MAX_STEPS:
        return {}
    search = _Search(sought, graph.keys, known or {})
    search.go(0, 0)
    if search.exhausted:
        return {}
    return {step: frozenset(keys) for step, keys in search.found.items()}


def _sought(
    dockerfile: Dockerfile, target: str | None, build_args: Mapping[str, str]
) -> Iterator[_Sought]:
    """The steps that have a key, each behind those that it needs."""
    expected = expected_vertices(dockerfile, build_args, {})
    ends: dict[int, StepId | None] = {}
    bases: dict[int, str] = {}
    dark: set[int] = set()
    for index in sorted(needed_stages(dockerfile, target)):
        stage = dockerfile.stages[index]
        above = stage.base_stage
        below = ends.get(above) if above is not None else None
        base = bases[above] if above is not None else "" if stage.base == SCRATCH else stage.base
        bases[index], ends[index] = base, below
        links = any(item.link for item in stage.instructions)
        if links or dark & dockerfile.depends_on(index):
            dark.add(index)
            continue
        for vertex in expected[index][1:]:
            if vertex.vertex is False:
                continue
            source = vertex.instruction.copy_from
            copies = ends.get(source) if isinstance(source, int) else None
            yield _Sought(vertex, below, base, copies)
            ends[index] = below = vertex.id


class _Search:
    """All placings, those with the most steps in `found`: per step the keys it has in them."""

    def __init__(self, sought: tuple[_Sought, ...], keys: tuple[Key, ...], known: Placing) -> None:
        self.sought, self.keys, self.known = sought, keys, known
        self.tries = 0
        self.best = -1
        self.found: dict[StepId, set[int]] = {}
        self.placed: dict[StepId, int] = {}
        self.by_id = {step.vertex.id: step for step in sought}
        self.same = {step.vertex.id: step.vertex.key for step in sought}
        self.bases: dict[str, frozenset[int]] = {}
        self.by_below: dict[int, list[int]] = {}
        for number, key in enumerate(keys):
            for link in key.inputs[0] if key.inputs else ():
                self.by_below.setdefault(link.record, []).append(number)
        self.sources = frozenset(number for number, key in enumerate(keys) if not key.inputs)

    @property
    def exhausted(self) -> bool:
        return self.tries >= TRIES

    def go(self, at: int, count: int) -> None:
        """Place the step at this position and all behind it; `count` of those before have one."""
        if self.exhausted or count + len(self.sought) - at < self.best:
            return
        if at == len(self.sought):
            self._keep(count)
            return
        step = self.sought[at]
        missing = True
        for number in [each for each in self._near(step) if self._fits(step, each)]:
            self.tries += 1
            taken = self._take_base(step, number)
            if taken is None:
                continue
            missing = False
            self.placed[step.vertex.id] = number
            self.go(at + 1, count + 1)
            del self.placed[step.vertex.id]
            if taken:
                del self.bases[step.base]
        self.tries += 1
        if missing or step.vertex.vertex is None:
            self.go(at + 1, count)

    def _keep(self, count: int) -> None:
        if count > self.best:
            self.best = count
            self.found = {step.vertex.id: set() for step in self.sought}
        for identity, number in self.placed.items():
            self.found[identity].add(number)

    def _near(self, step: _Sought) -> list[int]:
        """The keys that stand on the step below, or on a source."""
        identity = step.below
        while identity is not None and identity not in self.placed:
            below = self.by_id[identity]
            if below.vertex.vertex is not None:
                return []
            identity = below.below  # a WORKDIR that changes nothing has no key
        if identity is not None:
            return self.by_below.get(self.placed[identity], [])
        if not step.base:
            return [number for number, key in enumerate(self.keys) if len(key.inputs) == 1]
        near = {each: None for source in self.sources for each in self.by_below.get(source, ())}
        return list(near)

    def _fits(self, step: _Sought, number: int) -> bool:
        key, item = self.keys[number], step.item
        if number not in self.known.get(step.vertex.id, (number,)):
            return False
        for identity, other in self.placed.items():
            if (other == number) != (self.same[identity] == step.vertex.key):
                return False  # equal steps have one key, others another
        whole = all(not link.selector for link in key.inputs[0])
        if item.keyword == "RUN":
            mounts = any(mount.type == "bind" or mount.from_ for mount in item.mounts)
            root = any(link.selector.removeprefix("sha256:") == ROOT for link in key.inputs[0])
            return not whole and (mounts or (root and len(key.inputs) == 1))
        if item.keyword == "WORKDIR":
            return whole and len(key.inputs) == 1
        on_nothing = step.below is None and not step.base
        if len(key.inputs) < (1 if on_nothing else 2) or not (on_nothing or whole):
            return False
        return self._copies(step, key.inputs[0 if on_nothing else 1])

    def _copies(self, step: _Sought, links: Sequence[Link]) -> bool:
        """Whether the input that a COPY or ADD reads is what it names."""
        records = {link.record for link in links}
        source = None if step.copies is None else self.placed.get(step.copies)
        if step.copies is None and not records & self.sources:
            return False
        if source is not None and source not in records:
            return False
        path = _copied_path(step.item)
        named = {link.selector.removeprefix("sha256:") for link in links if link.selector}
        return path is None or not named or hashlib.sha256(path.encode()).hexdigest() in named

    def _take_base(self, step: _Sought, number: int) -> bool | None:
        """Note what a stage's first step stands on: True where it is new, None where the same
        reference is another source elsewhere, or another reference is this one."""
        if step.below is not None or not step.base:
            return False
        links = frozenset(link.record for link in self.keys[number].inputs[0]) & self.sources
        known = self.bases.get(step.base)
        if known is not None:
            return False if known & links else None
        if any(links & other for other in self.bases.values()):
            return None
        self.bases[step.base] = links
        return True


def _copied_path(item: Instruction) -> str | None:
    """The one path that a `COPY --from` reads, None where variables, patterns or several sources
    leave that open."""
    if item.copy_from is None or len(item.sources) != 1:
        return None
    if re.search(r"[$*?\[\\]", item.sources[0]):
        return None
    return clean_path("/" + item.sources[0].lstrip("/"))
