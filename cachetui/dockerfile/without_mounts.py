"""A Dockerfile without its steps with cache mounts, and without what stands on them.

What is left keeps its place: lines that are cut are blank and no FROM is cut, so stages, positions
and line numbers, and with them the steps, are those of the whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.dockerfile.parse import Dockerfile, instruction_needs, needed_stages, parse
from cachetui.dockerfile.triggers import stage_triggers


@dataclass(frozen=True)
class _Kept:
    """What is kept of a stage: the ONBUILD triggers of its base, as far as they are known, and its
    instructions; nothing where not even its base can be had."""

    triggers: tuple[Instruction, ...] = ()
    own: tuple[Instruction, ...] = ()

    @property
    def has_steps(self) -> bool:
        return any(item.keyword in BUILDKIT_KEYWORDS for item in (*self.triggers, *self.own))


def without_mounts(
    dockerfile: Dockerfile, target: str | None, known: Mapping[str, Sequence[str]]
) -> tuple[Dockerfile, ...] | None:
    """Dockerfiles which together have all steps of the target that stand on no cache mount, or
    None where none stands on one.

    The last stage of each is what it is built for. There are several where stages are left that
    nothing brings together any more, and none where no step is left. `known` maps base images to
    the texts of their ONBUILD triggers; of others nothing is known, and nothing is cut for them.
    Raises `DockerfileError` for a target that is not there.
    """
    needed = needed_stages(dockerfile, target)
    kept, cut = _kept(dockerfile, known)
    if not needed & cut:
        return None
    with_steps = [index for index in sorted(needed) if kept[index].has_steps]
    below = set().union(*(_below(dockerfile, kept, index) for index in with_steps))
    return tuple(_up_to(dockerfile, kept, last) for last in with_steps if last not in below)


def _kept(
    dockerfile: Dockerfile, known: Mapping[str, Sequence[str]]
) -> tuple[list[_Kept], set[int]]:
    """What is kept of each stage, and the stages that are not whole."""
    kept: list[_Kept] = []
    cut: set[int] = set()
    for stage in dockerfile.stages:
        triggers = stage_triggers(dockerfile, stage.index, known) or ()
        stop = _first_cut(stage.instructions, cut)
        if stage.base_stage in cut or _first_cut(triggers, cut) is not None:
            kept.append(_Kept())
            cut.add(stage.index)
        else:
            kept.append(_Kept(triggers, stage.instructions[:stop]))
            if stop is not None:
                cut.add(stage.index)
    return kept, cut


def _first_cut(items: Iterable[Instruction], cut: set[int]) -> int | None:
    """Where the first is that has a cache mount, or needs a stage that is not whole."""
    return next(
        (n for n, item in enumerate(items) if item.cache_mounts or instruction_needs(item) & cut),
        None,
    )


def _below(dockerfile: Dockerfile, kept: Sequence[_Kept], index: int) -> set[int]:
    """All stages that what is kept of a stage stands on."""
    below: set[int] = set()
    waiting = [index]
    while waiting:
        stage = waiting.pop()
        items = (*kept[stage].triggers, *kept[stage].own)
        needs = {need for item in items for need in instruction_needs(item)}
        base = dockerfile.stages[stage].base_stage
        if base is not None:
            needs.add(base)
        waiting.extend(needs - below)
        below |= needs
    return below


def _up_to(dockerfile: Dockerfile, kept: Sequence[_Kept], last: int) -> Dockerfile:
    """The file up to the stage `last`, with what is kept."""
    lines = dockerfile.text.split("\n")
    for stage in dockerfile.stages:
        left = max(1, len(kept[stage.index].own)) if stage.index <= last else 0
        for item in stage.instructions[left:]:
            lines[item.line - 1 : item.end_line] = [""] * (item.end_line - item.line + 1)
    return parse("\n".join(lines), dockerfile.build_args)
