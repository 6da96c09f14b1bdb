"""A Dockerfile: its stages and instructions, and the identity of a step.

Reads on `e2b_dockerfile_utils`, a port of BuildKit's parser; what a stage, a base and a
dependency is follows BuildKit's `frontend/dockerfile/instructions/parse.go` and
`dockerfile2llb/convert.go`. A step is (stage index, position in the stage), on both backends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from e2b_dockerfile_utils import (
    DockerfileInstruction,
    DockerfileSyntaxError,
    ShellLex,
    parse_dockerfile_ast,
)

from cachetui.instruction import (
    BUILDKIT_KEYWORDS,
    DockerfileError,
    Heredoc,
    Instruction,
    Mount,
    parse_mount,
)
from cachetui.onbuild import uncover_heredocs

__all__ = [
    "BUILDKIT_KEYWORDS",
    "PLATFORM_ARGS",
    "Dockerfile",
    "DockerfileError",
    "Heredoc",
    "Instruction",
    "Mount",
    "Stage",
    "external_images",
    "needed_stages",
    "parse",
    "resolve_target",
]

SCRATCH = "scratch"
MAX_LINE = 65535
"""Bytes in a line that BuildKit's parser takes (Go's `bufio.MaxScanTokenSize` - 1)."""

PLATFORM_ARGS = tuple(
    side + part
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)
"""ARGs that BuildKit sets by itself (`dockerfile2llb/platform.go`)."""

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*\Z")
_SYNTAX = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*[a-zA-Z][a-zA-Z0-9]*\s*=\s*.+")


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


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile. `syntax` is its `# syntax=` line's image, `escape` its escape token.

    `meta_args` are the ARGs before the first FROM, as instructions of stage -1.
    """

    text: str
    syntax: str | None
    escape: str
    meta_args: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    build_args: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """Every instruction in the file's order."""
        return self.meta_args + tuple(i for stage in self.stages for i in stage.instructions)

    @cached_property
    def global_args(self) -> dict[str, str]:
        """Values of the ARGs before the first FROM, build args applied."""
        return _global_args(self.meta_args, self.escape, self.build_args)

    @property
    def uses_mounts(self) -> bool:
        return any(instruction.mounts for instruction in self.instructions)

    @property
    def uses_cache_mounts(self) -> bool:
        return any(instruction.cache_mounts for instruction in self.instructions)

    @property
    def uses_heredoc(self) -> bool:
        return any(instruction.heredocs for instruction in self.instructions)

    @property
    def copy_link(self) -> bool:
        return any(instruction.link for instruction in self.instructions)

    @property
    def remote_add(self) -> bool:
        return any(instruction.remote_sources for instruction in self.instructions)

    def instruction(self, stage_index: int, index: int) -> Instruction:
        """The instruction at (stage, position); stage -1 has the ARGs before the first FROM."""
        if stage_index < 0:
            return self.meta_args[index]
        return self.stages[stage_index].instructions[index]

    def with_build_args(self, build_args: Mapping[str, str]) -> Dockerfile:
        """The same file with these build args in its bases and platforms.

        Raises `DockerfileError` where a base becomes empty.
        """
        if dict(build_args) == dict(self.build_args):
            return self
        return parse(self.text, build_args)

    def depends_on(self, stage_index: int) -> set[int]:
        """Indexes of the stages that a stage needs itself: its base, COPY --from, mounts."""
        stage = self.stages[stage_index]
        needs = {i for item in stage.instructions for i in instruction_needs(item)}
        if stage.base_stage is not None:
            needs.add(stage.base_stage)
            # ONBUILD triggers of a base in the same file run here.
            for item in self.stages[stage.base_stage].instructions:
                if item.onbuild is not None:
                    needs.update(instruction_needs(item.onbuild))
        return needs


def instruction_needs(instruction: Instruction) -> set[int]:
    """Indexes of the stages that one instruction copies or mounts from."""
    needs = {mount.from_stage for mount in instruction.mounts if mount.from_stage is not None}
    if isinstance(instruction.copy_from, int):
        needs.add(instruction.copy_from)
    return needs


def parse(text: str | bytes, build_args: Mapping[str, str] | None = None) -> Dockerfile:
    """Parse a Dockerfile; `build_args` go into the bases of its stages.

    Raises `DockerfileError` with the line and a sentence: not UTF-8, empty, an unknown
    instruction, an instruction before the first FROM, a bad stage name, a base that is empty.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    text = text.removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE // 4 and len(line.encode()) >= MAX_LINE:
            raise DockerfileError(number, f"the line is longer than {MAX_LINE} bytes: break it up")
    uncovered, onbuild_lines = uncover_heredocs(text)
    try:
        ast = parse_dockerfile_ast(uncovered)
    except DockerfileSyntaxError as error:
        message = str(error).split(": ", 1)[-1]
        raise DockerfileError(error.line, message) from None
    if not ast.instructions:
        raise DockerfileError(None, "the Dockerfile has no instructions: begin it with FROM")
    return _Builder(text, ast.escape_token, ast.instructions, onbuild_lines, build_args).build()


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DockerfileError(
            line, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from None


class _Builder:
    """Sorts parsed instructions into stages and finds what their references name."""

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

    def build(self) -> Dockerfile:
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
        env = _global_args(tuple(meta), self.escape, self.build_args or {})
        names = [_stage_name(instructions[0]) for instructions in stages]
        linked = tuple(
            self._stage(index, name, instructions, names, env)
            for index, (name, instructions) in enumerate(zip(names, stages, strict=True))
        )
        syntax = _syntax(self.text)
        args = dict(self.build_args or {})
        return Dockerfile(self.text, syntax, self.escape, tuple(meta), linked, args)

    def _instruction(
        self, node: DockerfileInstruction, stage_index: int, index: int
    ) -> Instruction:
        plain = Instruction(
            stage_index=stage_index,
            index=index,
            keyword=node.name,
            line=node.start_line,
            end_line=node.end_line,
            text=node.original.strip(),
            flags=tuple(node.flags),
            args=tuple(node.args),
            json=node.json,
            heredocs=tuple(
                Heredoc(doc.name, doc.content, doc.chomp, doc.expand) for doc in node.heredocs
            ),
            mounts=tuple(
                parse_mount(flag[len("--mount=") :])
                for flag in node.flags
                if node.name == "RUN" and flag.startswith("--mount=")
            ),
        )
        if node.start_line in self.onbuild_lines:
            trigger = replace(plain)
            keyword = self.lines[node.start_line - 1].split(None, 1)[0]
            return Instruction(
                stage_index=stage_index,
                index=index,
                keyword="ONBUILD",
                line=plain.line,
                end_line=plain.end_line,
                text=f"{keyword} {plain.text}",
                heredocs=plain.heredocs,
                onbuild=trigger,
            )
        if node.name == "ONBUILD":
            return replace(plain, onbuild=self._trigger(plain))
        return plain

    def _trigger(self, onbuild: Instruction) -> Instruction | None:
        """What ONBUILD would run (`parse.go` parseOnBuild), None where it is not understood."""
        rest = onbuild.rest
        first = rest.split(None, 1)[0].upper() if rest else ""
        if not rest:
            raise DockerfileError(onbuild.line, "ONBUILD needs an instruction to run later")
        if first in ("ONBUILD", "FROM", "MAINTAINER"):
            raise DockerfileError(onbuild.line, f"ONBUILD cannot run {first}")
        return trigger(rest, onbuild, self.escape)

    def _stage(
        self,
        index: int,
        name: str | None,
        instructions: list[Instruction],
        names: list[str | None],
        env: Mapping[str, str],
    ) -> Stage:
        head = instructions[0]
        base = _expand(head.args[0], env, self.escape, head.line)
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
            base_stage=_last_named(names[:index], base),
            platform=_expand(platform, env, self.escape, head.line) if platform else None,
            instructions=tuple(self._linked(item, index, names) for item in instructions),
        )

    def _linked(self, item: Instruction, stage: int, names: list[str | None]) -> Instruction:
        """The instruction with what its `from` names: a stage's index or an image."""
        if item.onbuild is not None:
            # A trigger names stages of the file that it will run in, which may be this one.
            return replace(item, onbuild=self._linked(item.onbuild, len(names), names))
        mounts = tuple(
            replace(mount, from_stage=_last_named(names, mount.from_)) if mount.from_ else mount
            for mount in item.mounts
        )
        source = item.flag("from") if item.keyword == "COPY" else None
        if not source:
            return item if mounts == item.mounts else replace(item, mounts=mounts)
        copy_from: int | str | None = _last_named(names, source)
        if copy_from is None and re.fullmatch(r"[+-]?\d+", source):
            copy_from = int(source)
            if not 0 <= copy_from < len(names) or copy_from == stage:
                raise DockerfileError(
                    item.line,
                    f"--from={source} names no earlier stage: stages count from 0, "
                    f"this is stage {stage}",
                )
        return replace(item, mounts=mounts, copy_from=source if copy_from is None else copy_from)


def trigger(text: str, at: Instruction, escape: str = "\\") -> Instruction | None:
    """An ONBUILD trigger's text as an instruction at `at`'s place; None if not understood."""
    header = f"# escape={escape}\n" if escape != "\\" else ""
    try:
        nodes = parse_dockerfile_ast(header + text).instructions
    except DockerfileSyntaxError:
        return None
    if len(nodes) != 1:
        return None
    node = nodes[0]
    flags = tuple(node.flags)
    return Instruction(
        stage_index=at.stage_index,
        index=at.index,
        keyword=node.name,
        line=at.line,
        end_line=at.end_line,
        text=node.original.strip(),
        flags=flags,
        args=tuple(node.args),
        json=node.json,
        heredocs=tuple(Heredoc(d.name, d.content, d.chomp, d.expand) for d in node.heredocs),
        mounts=tuple(
            parse_mount(flag[len("--mount=") :]) for flag in flags if flag.startswith("--mount=")
        ),
        copy_from=(
            next((f[len("--from=") :] for f in flags if f.startswith("--from=")), None)
            if node.name == "COPY"
            else None
        ),
    )


def resolve_target(dockerfile: Dockerfile, target: str | None) -> int:
    """The index of the stage that a build with `--target` ends with, the last without one.

    Case does not matter. A number is no name: both builders refuse `--target 0` (lab, 20.10 and
    28.5). Raises `DockerfileError` naming the stages there are.
    """
    if not target:
        return len(dockerfile.stages) - 1
    names = [stage.name for stage in dockerfile.stages]
    found = _last_named(names, target)
    if found is None:
        known = ", ".join(name for name in names if name) or "none has a name"
        number = " (builders take a stage's name, not its number)" if target.isdigit() else ""
        raise DockerfileError(None, f"there is no stage {target!r}{number}; stages: {known}")
    return found


def needed_stages(dockerfile: Dockerfile, target: str | None = None) -> set[int]:
    """The stages that BuildKit builds for a target (`convert.go` allReachableStages)."""
    needed: set[int] = set()
    waiting = [resolve_target(dockerfile, target)]
    while waiting:
        index = waiting.pop()
        if index not in needed:
            needed.add(index)
            waiting.extend(dockerfile.depends_on(index) - needed)
    return needed


def external_images(
    dockerfile: Dockerfile,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    *,
    all_stages: bool = False,
) -> tuple[str, ...]:
    """References of the images whose layers go into a build, in order, each once.

    FROM, `COPY --from` and `RUN --mount=from` of the stages that are needed (`all_stages`: of
    all up to the target, as the legacy builder builds them). Not `scratch`. ARGs are put in;
    platform ARGs (`$TARGETARCH`) stay unless `build_args` has them.
    """
    if build_args is not None:
        dockerfile = dockerfile.with_build_args(build_args)
    last = resolve_target(dockerfile, target)
    wanted = set(range(last + 1)) if all_stages else needed_stages(dockerfile, target)
    found: dict[str, None] = {}
    for index in sorted(wanted):
        stage = dockerfile.stages[index]
        if stage.is_external:
            found[stage.base] = None
        for item in stage.instructions:
            if isinstance(item.copy_from, str):
                found[item.copy_from] = None
            for mount in item.mounts:
                if mount.from_ and mount.from_stage is None:
                    found[mount.from_] = None
    found.pop(SCRATCH, None)
    return tuple(found)


def _last_named(names: list[str | None], name: str | None) -> int | None:
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
            f"{words[2]!r} is no name for a stage: a letter, then letters, digits, - _ .",
        )
    return name


def _global_args(
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
                env[name] = _expand(value, env, escape, item.line)
    return env


def _expand(word: str, env: Mapping[str, str], escape: str, line: int) -> str:
    try:
        return ShellLex(escape, env=env, skip_unset_env=False).process_word(word)
    except ValueError as error:
        raise DockerfileError(line, f"cannot put the variables in {word!r}: {error}") from None


def _syntax(text: str) -> str | None:
    """The frontend that the `# syntax=` line asks for; it stands before all but directives."""
    for line in text.splitlines():
        found = _SYNTAX.match(line.strip())
        if found:
            return found.group(1)
        if not _DIRECTIVE.match(line.strip()):
            return None
    return None
