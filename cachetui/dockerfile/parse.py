"""A Dockerfile: its stages and instructions, and the identity of a step.

Reads on `e2b_dockerfile_utils`, a port of BuildKit's parser; what a stage, a base and a
dependency is follows BuildKit's `frontend/dockerfile/instructions/parse.go` and
`dockerfile2llb/convert.go`. A step is (stage index, position in the stage), on both backends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from e2b_dockerfile_utils import DockerfileSyntaxError, parse_dockerfile_ast

from cachetui.dockerfile.instruction import (
    BUILDKIT_KEYWORDS,
    DockerfileError,
    Heredoc,
    Instruction,
    Mount,
)
from cachetui.dockerfile.onbuild import trigger, uncover_heredocs
from cachetui.dockerfile.stages import (
    PLATFORM_ARGS,
    SCRATCH,
    Stage,
    StageBuilder,
    global_args,
    last_named,
)

__all__ = [
    "BUILDKIT_KEYWORDS",
    "PLATFORM_ARGS",
    "SCRATCH",
    "Dockerfile",
    "DockerfileError",
    "Heredoc",
    "Instruction",
    "Mount",
    "Stage",
    "external_images",
    "instruction_needs",
    "needed_stages",
    "parse",
    "resolve_target",
    "trigger",
]

MAX_LINE = 65535
"""Bytes in a line that BuildKit's parser takes (Go's `bufio.MaxScanTokenSize` - 1)."""

_SYNTAX = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*\Z", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*[a-zA-Z][a-zA-Z0-9]*\s*=\s*.+")


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
        return global_args(self.meta_args, self.escape, self.build_args)

    def stage_name(self, index: int) -> str:
        """What BuildKit calls the stage of a number."""
        return self.stages[index].printed_name

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

    def with_bases(self, bases: Sequence[str]) -> Dockerfile:
        """The same file with these bases of its stages: what they came to when it was built."""
        if len(bases) != len(self.stages):
            return self
        names = [stage.name for stage in self.stages]
        stages = tuple(
            replace(stage, base=base, base_stage=last_named(names[: stage.index], base))
            for stage, base in zip(self.stages, bases, strict=True)
        )
        return replace(self, stages=stages)

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

    def all_needed(self, stage_index: int) -> set[int]:
        """Indexes of a stage and of all that it stands on, directly or not."""
        needed: set[int] = set()
        waiting = [stage_index]
        while waiting:
            index = waiting.pop()
            if index not in needed:
                needed.add(index)
                waiting.extend(self.depends_on(index) - needed)
        return needed


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
    escape, args = ast.escape_token, dict(build_args or {})
    builder = StageBuilder(text, escape, ast.instructions, onbuild_lines, build_args)
    meta_args, stages = builder.build()
    return Dockerfile(text, _syntax(text), escape, meta_args, stages, args)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DockerfileError(
            line, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from None


def resolve_target(dockerfile: Dockerfile, target: str | None) -> int:
    """The index of the stage that a build with `--target` ends with, the last without one.

    Case does not matter. A number is no name: both builders refuse `--target 0` (lab, 20.10 and
    28.5). Raises `DockerfileError` naming the stages there are.
    """
    if not target:
        return len(dockerfile.stages) - 1
    names = [stage.name for stage in dockerfile.stages]
    stage = last_named(names, target)
    if stage is None:
        known = ", ".join(name for name in names if name) or "none has a name"
        number = " (builders take a stage's name, not its number)" if target.isdigit() else ""
        raise DockerfileError(None, f"there is no stage {target!r}{number}; stages: {known}")
    return stage


def needed_stages(dockerfile: Dockerfile, target: str | None = None) -> set[int]:
    """The stages that BuildKit builds for a target (`convert.go` allReachableStages)."""
    return dockerfile.all_needed(resolve_target(dockerfile, target))


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


def _syntax(text: str) -> str | None:
    """The frontend that the `# syntax=` line asks for; it stands before all but directives."""
    for line in text.splitlines():
        directive = _SYNTAX.match(line.strip())
        if directive:
            return directive.group(1)
        if not _DIRECTIVE.match(line.strip()):
            return None
    return None
