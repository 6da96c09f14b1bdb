"""What the legacy builder fails at, and what it builds otherwise than BuildKit.

Rules: moby `builder/dockerfile/dispatchers.go` and `evaluator.go` (what "requires BuildKit"), and
our lab on 20.10.24, 26.1.5 and 28.5.2. What fails at run time counts in all stages up to the
target: these are built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachetui.builders.builder import Unsupported
from cachetui.builders.features import GIT_PREFIXES
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction
from cachetui.dockerfile.parse import PLATFORM_ARGS, Dockerfile, resolve_target
from cachetui.records.versions import version_key


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
                    item.line, f"the legacy builder takes a stage name once: {stage.name}"
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
    for item in _instructions_run(dockerfile, target):
        for what in _dropped(item, dockerfile, engine, build_args):
            yield what, item.line


def _dropped(
    item: Instruction, dockerfile: Dockerfile, engine: str, build_args: Mapping[str, str]
) -> Iterator[str]:
    """What the legacy builder accepts and does not do (lab, 26.1 and 28.5)."""
    if item.heredocs and version_key(engine) >= (23, 0) and item.keyword != "ONBUILD":
        yield "silently drops the body of heredocs"
    if item.keyword in FILE_KEYWORDS:
        for name in ("exclude", "parents", "unpack"):
            if item.flag(name):
                yield f"ignores --{name}"
        if any(_is_git_page(source) for source in item.remote_sources):
            yield "downloads a git repository's page instead of cloning it"
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
