"""Which step of the Dockerfile made which layer, told by the image's history.

Both builders write one history entry for every RUN, COPY, ADD and WORKDIR (our lab: the legacy
builder marks those that changed nothing `empty_layer`, BuildKit gives them a layer all the same).
So the entries that can make layers, taken from the last one back, are the instructions of the
target's stage and of the stages it is built on, taken from the last one back; what remains is the
base image's. Keyword and text of each pair must agree: where they do not, this layer and all
below it are unattributed. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cachetui.dockerfile.instruction import Instruction, clean_path
from cachetui.dockerfile.parse import Dockerfile, resolve_target, trigger
from cachetui.dockerfile.triggers import stage_triggers
from cachetui.outputs.contents import ImageContents
from cachetui.records.step import Step, StepId

MAKERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""Keywords of the instructions that make layers, on both builders."""

_NOP = re.compile(r"#\(nop\)\s+([A-Z]+)\b\s*(.*)\Z", re.DOTALL)
_WORDS = re.compile(r"\s+")
_TO_EXPAND = re.compile(r"[$\"'\\\s]")

REDACTED = "[build-arg "
"""Stands where a build argument's value was taken out of a history (see `redact`)."""


@dataclass(frozen=True, slots=True)
class Maker:
    """An instruction that makes a layer, at its place."""

    id: StepId
    instruction: Instruction


@dataclass(frozen=True, slots=True)
class _Made:
    """A history entry that can make a layer: its keyword, its text, and the layer's position."""

    keyword: str
    text: str
    layer: int | None


def attribute(
    contents: ImageContents,
    dockerfile: Dockerfile,
    target: str | None = None,
    *,
    steps: Sequence[Step] = (),
    bases: Mapping[str, tuple[str, ...] | None] | None = None,
) -> tuple[StepId | None, ...]:
    """The step that made each layer, in order; None where that cannot be told.

    Layers of the base image belong to the FROM that names it. `steps` are the run's, for the
    ONBUILD triggers that a base image brought. `bases` maps a FROM's reference to the layers
    that the image has on the host: with it, what such triggers made is never taken for the base.
    """
    return layer_makers(
        contents.digests, contents.history, dockerfile, target, steps=steps, bases=bases
    )


def layer_makers(
    digests: Sequence[str],
    history: Sequence[Mapping[str, Any]],
    dockerfile: Dockerfile,
    target: str | None = None,
    *,
    steps: Sequence[Step] = (),
    bases: Mapping[str, tuple[str, ...] | None] | None = None,
) -> tuple[StepId | None, ...]:
    """What `attribute` says, of an image of which the layers' digests and the history are known."""
    layers = len(digests)
    makers = list(chain(dockerfile, target, steps))
    entries = _entries(history)
    found: list[StepId | None] = [None] * layers
    if sum(entry.layer is not None for entry in entries) != layers:
        return tuple(found)
    while makers and entries and _agree(makers[-1].instruction, entries[-1]):
        entry = entries.pop()
        step = makers.pop()
        if entry.layer is not None:
            found[entry.layer] = step.id
    below = sum(entry.layer is not None for entry in entries)
    root = _root(dockerfile, resolve_target(dockerfile, target))
    stage = dockerfile.stages[root]
    base = (bases or {}).get(stage.base)
    known = 0 if makers else below
    if base is not None and tuple(digests[: len(base)]) == base:
        known = len(base)
    if stage.is_external:
        found[: min(known, below)] = [StepId(root, 0)] * min(known, below)
    return tuple(found)


def chain(dockerfile: Dockerfile, target: str | None, steps: Sequence[Step]) -> Iterator[Maker]:
    """The instructions that make the layers of a target, from its base image on."""
    stages: list[int] = []
    at: int | None = resolve_target(dockerfile, target)
    while at is not None:
        stages.append(at)
        at = dockerfile.stages[at].base_stage
    for index in reversed(stages):
        for number, body in _triggers(dockerfile, index, steps):
            if body.keyword in MAKERS:
                yield Maker(StepId(index, 0, number), body)
        for item in dockerfile.stages[index].instructions:
            if item.keyword in MAKERS:
                yield Maker(StepId(index, item.index), item)


def _root(dockerfile: Dockerfile, index: int) -> int:
    """The stage at the beginning of a stage's chain."""
    while (base := dockerfile.stages[index].base_stage) is not None:
        index = base
    return index


def _triggers(
    dockerfile: Dockerfile, index: int, steps: Sequence[Step]
) -> list[tuple[int, Instruction]]:
    """The ONBUILD triggers that ran in a stage, with their numbers."""
    known = stage_triggers(dockerfile, index, {})
    if known is not None:
        return list(enumerate(known))
    head = dockerfile.stages[index].instructions[0]
    found: dict[int, Instruction] = {}
    for step in steps:
        if step.stage_index == index and step.trigger is not None:
            text = re.sub(r"^ONBUILD\s+", "", step.instruction.strip(), flags=re.IGNORECASE)
            body = trigger(text, head, dockerfile.escape)
            if body is not None:
                found[step.trigger] = body
    return sorted(found.items())


def _entries(history: Sequence[Mapping[str, Any]]) -> list[_Made]:
    """The entries that made a layer, or could have."""
    found: list[_Made] = []
    layer = 0
    for one in history:
        keyword, text = read_entry(one)
        position = None
        if not one.get("empty_layer"):
            position, layer = layer, layer + 1
        if position is not None or keyword in MAKERS:
            found.append(_Made(keyword, text, position))
    return found


def read_entry(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Keyword and text of a history entry, ("", "") for what no builder wrote.

    The legacy builder writes `/bin/sh -c #(nop) COPY file:… in /dest`, and a RUN's command with
    its shell; BuildKit the instruction, ` # buildkit` after what ran.
    """
    text = entry.get("created_by")
    if not isinstance(text, str) or not text.strip():
        return "", ""
    if str(entry.get("comment") or "").startswith("buildkit"):
        keyword, _, rest = text.removesuffix(" # buildkit").partition(" ")
        return keyword.upper(), rest
    nop = _NOP.search(text)
    return (nop[1], nop[2]) if nop else ("RUN", text)


def _agree(instruction: Instruction, entry: _Made) -> bool:
    """Whether an entry can be what a builder wrote for the instruction.

    Builders put variables into paths, and arguments and a shell before a command; they leave the
    command itself as it is.
    """
    if instruction.keyword != entry.keyword:
        return False
    text = _WORDS.sub(" ", entry.text).strip()
    if instruction.heredocs or REDACTED in text:
        return True
    if instruction.keyword == "RUN":
        return text.endswith(_WORDS.sub(" ", " ".join(instruction.args)).strip())
    path = " ".join(instruction.args[-1:])
    if _TO_EXPAND.search(path):
        return True
    if instruction.keyword == "WORKDIR":
        path = clean_path(path).lstrip("./")
    return text.endswith(path)
