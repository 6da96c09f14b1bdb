"""The stages of a Dockerfile, and what the references in it name.

Follows BuildKit's `frontend/dockerfile/instructions/parse.go` and `dockerfile2llb/convert.go`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from e2b_dockerfile_utils import DockerfileInstruction, ShellLex

from cachetui.dockerfile.instruction import DockerfileError, Instruction, from_node
from cachetui.dockerfile.onbuild import covered, onbuild_of

SCRATCH = "scratch"

PLATFORM_ARGS = tuple(
    side + part
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)
"""ARGs that BuildKit sets by itself (`dockerfile2llb/platform.go`)."""

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")


@dataclass(frozen=True, slots=True)
class Stage:
    """A build stage. `instructions[0]` is its FROM.

    `name` is in lower case, None without one. `base_text` is the base as written, `base` with
    the ARGs before the first FROM put in; `base_stage` is the index of the earlier stage that
    it names, None for an image and for `scratch`. `platform` is FROM's `--platform`, ARGs put in.
    """

    index: int
    name: str | None
    base: str
    base_text: str
    base_stage: int | None
    platform: str | None
    instructions: tuple[Instruction, ...]

    @property
    def printed_name(self) -> str:
        """What BuildKit calls it in its output when the file has several stages."""
        return self.name or f"stage-{self.index}"

    @property
    def is_external(self) -> bool:
        """Whether its base is an image to be had, neither another stage nor `scratch`."""
        return self.base_stage is None and self.base != SCRATCH


class StageBuilder:
    """Sorts parsed instructions into stages and finds what their references name.

    `onbuild_lines` are the lines whose ONBUILD was blanked (see `onbuild`). With `build_args`
    None an empty base is left as written, else it is an error.
    """

    def __init__(
        self,
        text: str,
        escape: str,
        nodes: list[DockerfileInstruction],
        onbuild_lines: frozenset[int],
        build_args: Mapping[str, str] | None,
    ) -> None:
        self.text, self.escape, self.nodes = text, escape, nodes
        self.onbuild_lines = onbuild_lines
        self.build_args = build_args
        self.lines = text.split("\n")

    def build(self) -> tuple[tuple[Instruction, ...], tuple[Stage, ...]]:
        """The ARGs before the first FROM, and the stages. Raises `DockerfileError`."""
        meta: list[Instruction] = []
        stages: list[list[Instruction]] = []
        for node in self.nodes:
            if node.name == "FROM":
                stages.append([self._instruction(node, len(stages), 0)])
            elif stages:
                stages[-1].append(self._instruction(node, len(stages) - 1, len(stages[-1])))
            elif node.name == "ARG":
                meta.append(self._instruction(node, -1, len(meta)))
            else:
                raise DockerfileError(
                    node.start_line, f"{node.name} comes before the first FROM: only ARG may"
                )
        if not stages:
            raise DockerfileError(None, "the Dockerfile has no FROM: it names no image to build on")
        env = global_args(tuple(meta), self.escape, self.build_args or {})
        names = [_stage_name(instructions[0]) for instructions in stages]
        return tuple(meta), tuple(
            self._stage(index, name, instructions, names, env)
            for index, (name, instructions) in enumerate(zip(names, stages, strict=True))
        )

    def _instruction(self, node: DockerfileInstruction, stage: int, index: int) -> Instruction:
        if node.start_line in self.onbuild_lines:
            word = self.lines[node.start_line - 1].split(None, 1)[0]
            return covered(node, word, stage, index)
        plain = from_node(node, stage, index)
        return onbuild_of(plain) if plain.keyword == "ONBUILD" else plain

    def _stage(
        self,
        index: int,
        name: str | None,
        instructions: list[Instruction],
        names: list[str | None],
        env: Mapping[str, str],
    ) -> Stage:
        head = instructions[0]
        base = expand(head.args[0], env, self.escape, head.line)
        if not base:
            if self.build_args is not None:
                raise DockerfileError(
                    head.line,
                    f"the base image {head.args[0]} is empty: give its ARG a value",
                )
            base = head.args[0]
        platform = head.flag("platform")
        return Stage(
            index=index,
            name=name,
            base=base,
            base_text=head.args[0],
            base_stage=last_named(names[:index], base),
            platform=expand(platform, env, self.escape, head.line) if platform else None,
            instructions=tuple(linked(item, index, names) for item in instructions),
        )


def linked(item: Instruction, stage: int, names: list[str | None]) -> Instruction:
    """An instruction with what its `from` names: a stage's index or an image. `names` are those of
    the file's stages; a trigger, of `stage` -1, may name a number that is none."""
    if item.onbuild is not None:
        # A trigger names stages of the file that it will run in, which may be this one.
        return replace(item, onbuild=linked(item.onbuild, -1, names))
    mounts = tuple(
        replace(mount, from_stage=last_named(names, mount.from_)) if mount.from_ else mount
        for mount in item.mounts
    )
    source = item.flag("from") if item.keyword == "COPY" else None
    if not source:
        return item if mounts == item.mounts else replace(item, mounts=mounts)
    copy_from: int | str | None = last_named(names, source)
    if copy_from is None and re.fullmatch(r"[+-]?\d+", source):
        copy_from = int(source)
        if stage < 0 and not 0 <= copy_from < len(names):
            return replace(item, mounts=mounts)
        if not 0 <= copy_from < len(names) or copy_from == stage:
            raise DockerfileError(
                item.line,
                f"--from={source} names no earlier stage: stages count from 0, "
                f"this is stage {stage}",
            )
    return replace(item, mounts=mounts, copy_from=source if copy_from is None else copy_from)


def last_named(names: list[str | None], name: str | None) -> int | None:
    """BuildKit keeps the last stage of a name (`convert.go` dispatchStates.addState)."""
    if not name:
        return None
    wanted = name.lower()
    for index in range(len(names) - 1, -1, -1):
        if names[index] == wanted:
            return index
    return None


def _stage_name(head: Instruction) -> str | None:
    """FROM's `AS name` (`parse.go` parseBuildStageName)."""
    words = head.args
    if len(words) == 1:
        return None
    if len(words) != 3 or words[1].lower() != "as":
        raise DockerfileError(head.line, "FROM takes an image, or an image AS a stage name")
    name = words[2].lower()
    if not _STAGE_NAME.match(name):
        raise DockerfileError(
            head.line,
            f"{words[2]!r} is not a stage name: write a letter, then letters, digits, - _ .",
        )
    return name


def global_args(
    meta_args: tuple[Instruction, ...], escape: str, build_args: Mapping[str, str]
) -> dict[str, str]:
    """Values of the ARGs before the first FROM (`convert.go` buildMetaArgs)."""
    env = {name: build_args.get(name, f"${name}") for name in PLATFORM_ARGS}
    for item in meta_args:
        for word in item.args:
            name, equals, value = word.partition("=")
            if name in build_args:
                env[name] = build_args[name]
            elif equals:
                env[name] = expand(value, env, escape, item.line)
    return env


def expand(word: str, env: Mapping[str, str], escape: str, line: int) -> str:
    """A word with its variables put in, an unset one as nothing."""
    if not any(special in word for special in ("$", "'", '"', escape)):
        return word  # as nearly all are: the lexer goes through each letter
    try:
        return ShellLex(escape, env=env, skip_unset_env=False).process_word(word)
    except ValueError as error:
        raise DockerfileError(line, f"cannot put the variables in {word!r}: {error}") from None
