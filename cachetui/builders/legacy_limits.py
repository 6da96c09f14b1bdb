"""What the legacy builder fails at, and what it builds otherwise than BuildKit.

Rules: moby `builder/dockerfile/dispatchers.go` and `evaluator.go` (what "requires BuildKit"), and
our lab on 20.10.24, 26.1.5 and 28.5.2. What fails at run time counts in all stages up to the
target: these are built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachetui.builders.builder import Unsupported
from cachetui.builders.features import FLAGS, GIT_PREFIXES, reader_of
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction
from cachetui.dockerfile.parse import PLATFORM_ARGS, Dockerfile, resolve_target
from cachetui.records.versions import version_key

HEREDOC = "a heredoc"

IGNORED_FLAGS = ("exclude", "parents", "unpack", "link", "checksum", "keep-git-dir")
"""Flags of COPY and ADD that it reads and does nothing about."""


def _instructions_run(dockerfile: Dockerfile, target: str | None) -> Iterator[Instruction]:
    """Instructions that the legacy builder runs: all up to the target's end, and triggers."""
    last = resolve_target(dockerfile, target)
    for stage in dockerfile.stages[: last + 1]:
        yield stage.instructions[0]
        if stage.base_stage is not None:
            for item in dockerfile.stages[stage.base_stage].instructions:
                if item.onbuild is not None:
                    yield item.onbuild
        yield from stage.instructions[1:]


def obstacles(
    dockerfile: Dockerfile, target: str | None, build_args: Mapping[str, str]
) -> Iterator[Unsupported]:
    """What it fails at, in the order in which it gets there."""
    names: set[str] = set()
    for item in _instructions_run(dockerfile, target):
        flags = item.flag_names()
        if item.keyword == "RUN" and flags:
            yield Unsupported(item.line, f"the --{flags[0]} option requires BuildKit")
        elif item.keyword in FILE_KEYWORDS:
            if item.flag("chmod"):
                yield Unsupported(item.line, "the --chmod option requires BuildKit")
            elif item.heredocs and not item.sources:
                yield Unsupported(
                    item.line, f"{item.keyword} with nothing but a heredoc requires BuildKit"
                )
            elif any(source.startswith(GIT_PREFIXES) for source in item.remote_sources):
                yield Unsupported(item.line, "ADD of a git repository requires BuildKit")
        elif item.keyword == "FROM":
            stage = dockerfile.stages[item.stage_index]
            if stage.name and stage.name in names:
                yield Unsupported(
                    item.line, f"the legacy builder refuses two stages of one name: {stage.name}"
                )
            names.add(stage.name or "")
            platform = item.flag("platform") or ""
            unset = [n for n in _platform_args(platform) if not _is_set(n, dockerfile, build_args)]
            if unset:
                yield Unsupported(
                    item.line,
                    f"the legacy builder does not set {unset[0]}: FROM --platform stays empty",
                )


def deviations(
    dockerfile: Dockerfile, target: str | None, engine: str, build_args: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """What it accepts and does not do, with the Dockerfile's line."""
    for item, what in ignored_syntax(dockerfile, target, engine):
        yield (
            ("silently drops the body of heredocs" if what == HEREDOC else f"ignores {what}"),
            (item.line),
        )
    for item in _instructions_run(dockerfile, target):
        if any(_is_git_page(source) for source in item.remote_sources):
            yield "downloads a git repository's page instead of cloning it", item.line
        for what in _left_empty(item, dockerfile, build_args):
            yield what, item.line


def ignored_syntax(
    dockerfile: Dockerfile, target: str | None, engine: str
) -> Iterator[tuple[Instruction, str]]:
    """What it reads and does nothing about, `HEREDOC` or a flag ("--exclude"), with its
    instruction (lab: 26.1 and 28.5). Its parser has the flags of BuildKit's of the same engine;
    one that it does not know it refuses."""
    reader = reader_of(engine, None)
    for item in _instructions_run(dockerfile, target):
        if item.heredocs and version_key(engine) >= (23, 0) and item.keyword != "ONBUILD":
            yield item, HEREDOC
        for name in IGNORED_FLAGS if item.keyword in FILE_KEYWORDS else ():
            value, feature = item.flag(name), FLAGS.get((item.keyword, name))
            off = name in ("link", "parents", "keep-git-dir") and (value or "").lower() == "false"
            if value is not None and not off and feature is not None and reader.knows(feature):
                yield item, f"--{name}"


def _left_empty(
    item: Instruction, dockerfile: Dockerfile, build_args: Mapping[str, str]
) -> Iterator[str]:
    """Platform arguments that only BuildKit sets."""
    if item.keyword == "ARG" and item.stage_index >= 0:
        for word in item.args:
            name, equals, _ = word.partition("=")
            if name in PLATFORM_ARGS and not equals and not _is_set(name, dockerfile, build_args):
                yield f"leaves {name} empty"


def _is_git_page(source: str) -> bool:
    """`https://…/name.git`, cloned by BuildKit since 0.11, a plain download for legacy."""
    path = source.partition("#")[0]
    return source.startswith(("http://", "https://")) and path.endswith(".git")


def _platform_args(text: str) -> Iterator[str]:
    for name in PLATFORM_ARGS:
        if f"${name}" in text.replace("${", "$"):
            yield name


def _is_set(name: str, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> bool:
    """Whether a platform ARG has a value without BuildKit's setting it."""
    if name in build_args or name in dockerfile.build_args:
        return True
    return any(
        word.partition("=")[0] == name and "=" in word
        for item in dockerfile.meta_args
        for word in item.args
    )
