"""What a backend of a host cannot build, or builds otherwise, told from the Dockerfile alone.

Rules: moby `builder/dockerfile/dispatchers.go` and `evaluator.go` (what "requires BuildKit"),
`features` (what which parser knows), and our lab on 20.10.24, 26.1.5 and 28.5.2.

Both backends parse the whole file before anything else, so what the parser does not know counts
anywhere. What fails at run time counts only in stages that are built: for BuildKit those the
target needs, for the legacy builder all up to the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cachetui.builders.features import FLAGS, GIT, HEREDOC, Reader, reader_of
from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction
from cachetui.dockerfile.parse import PLATFORM_ARGS, Dockerfile, needed_stages, resolve_target
from cachetui.records.backend import Backend
from cachetui.records.versions import version_key

_GIT = ("git://", "ssh://", "git@", "github.com/")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """What cannot be built: the Dockerfile's line and why."""

    line: int
    reason: str


def unsupported(
    dockerfile: Dockerfile,
    target: str | None,
    backend: Backend,
    engine: str,
    client: str = "",  # noqa: ARG001
    buildx: str | None = None,  # noqa: ARG001
    build_args: Mapping[str, str] | None = None,
) -> Unsupported | None:
    """The first thing in the file that this backend cannot build, None when it can.

    `engine` is the engine's version; who parses the file depends on it and on the `# syntax=`
    line alone, not on `client` and `buildx`. Raises `DockerfileError` for an unknown target.
    """
    legacy = backend == "legacy"
    reader = reader_of(engine, None if legacy else dockerfile.syntax)
    for item in dockerfile.instructions:
        reason = _unread(item, reader, engine)
        if reason:
            return Unsupported(item.line, reason)
    if legacy:
        return next(_legacy_fails(dockerfile, target, build_args or {}), None)
    return next(_buildkit_fails(dockerfile, target), None)


def builds_other(
    dockerfile: Dockerfile,
    target: str | None,
    backend: Backend,
    engine: str,
    build_args: Mapping[str, str] | None = None,
) -> str | None:
    """Why a build that succeeds here makes another image than BuildKit would, None if it does not.

    Only the legacy builder does; the sentence names the lines.
    """
    if backend != "legacy":
        return None
    found: dict[str, list[int]] = {}
    for item in _legacy_instructions(dockerfile, target):
        for what in _dropped(item, dockerfile, engine, build_args or {}):
            found.setdefault(what, []).append(item.line)
    if not found:
        return None
    parts = [f"{what} ({_lines(lines)})" for what, lines in found.items()]
    return "the legacy builder does not build the same thing: it " + "; it ".join(parts)


def _lines(lines: list[int]) -> str:
    unique = sorted(set(lines))
    shown = ", ".join(str(line) for line in unique[:5])
    more = ", …" if len(unique) > 5 else ""
    return f"line{'s' if len(unique) > 1 else ''} {shown}{more}"


def _unread(item: Instruction, reader: Reader, engine: str) -> str | None:
    """Why the parser does not take an instruction."""
    who = f"engine {engine}" if reader.is_engine else "the frontend of the # syntax= line"
    for name in item.flag_names():
        feature = FLAGS.get((item.keyword, name))
        if feature is not None and not reader.knows(feature):
            return f"{who} does not know {item.keyword} --{name}"
    if any(source.startswith(_GIT) for source in item.remote_sources) and not reader.knows(GIT):
        return f"{who} does not know ADD of a git repository"
    if item.heredocs and not reader.knows(HEREDOC):
        return f"{who} does not know heredocs and reads their lines as instructions"
    return None


def _legacy_instructions(dockerfile: Dockerfile, target: str | None) -> Iterator[Instruction]:
    """Instructions that the legacy builder runs: all up to the target's end, and triggers."""
    last = resolve_target(dockerfile, target)
    for stage in dockerfile.stages[: last + 1]:
        yield stage.instructions[0]
        if stage.base_stage is not None:
            for item in dockerfile.stages[stage.base_stage].instructions:
                if item.onbuild is not None:
                    yield item.onbuild
        yield from stage.instructions[1:]


def _legacy_fails(
    dockerfile: Dockerfile, target: str | None, build_args: Mapping[str, str]
) -> Iterator[Unsupported]:
    names: set[str] = set()
    for item in _legacy_instructions(dockerfile, target):
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
            elif any(source.startswith(_GIT) for source in item.remote_sources):
                yield Unsupported(item.line, "ADD of a git repository requires BuildKit")
        elif item.keyword == "FROM":
            stage = dockerfile.stages[item.stage_index]
            if stage.name and stage.name in names:
                yield Unsupported(
                    item.line, f"the legacy builder takes a stage name once: {stage.name}"
                )
            names.add(stage.name or "")
            platform = item.flag("platform") or ""
            unset = [n for n in _platform_args(platform) if not _given(n, dockerfile, build_args)]
            if unset:
                yield Unsupported(
                    item.line,
                    f"the legacy builder does not set {unset[0]}: FROM --platform stays empty",
                )


def _buildkit_fails(dockerfile: Dockerfile, target: str | None) -> Iterator[Unsupported]:
    """References are matched in lower case, and an image's name has no capitals
    (`dockerfile2llb/convert.go`, dispatchStates.addState)."""
    for index in sorted(needed_stages(dockerfile, target)):
        stage = dockerfile.stages[index]
        if stage.base_stage is not None and stage.base != stage.base.lower():
            yield Unsupported(
                stage.instructions[0].line,
                f"BuildKit takes FROM {stage.base} for an image; write {stage.base.lower()}",
            )


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
            if name in PLATFORM_ARGS and not equals and not _given(name, dockerfile, build_args):
                yield f"leaves {name} empty"


def _is_git_page(source: str) -> bool:
    """`https://…/name.git`, cloned by BuildKit since 0.11, a plain download for legacy."""
    path = source.partition("#")[0]
    return source.startswith(("http://", "https://")) and path.endswith(".git")


def _platform_args(text: str) -> Iterator[str]:
    for name in PLATFORM_ARGS:
        if f"${name}" in text.replace("${", "$"):
            yield name


def _given(name: str, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> bool:
    """Whether a platform ARG has a value without BuildKit's setting it."""
    if name in build_args or name in dockerfile.build_args:
        return True
    return any(
        word.partition("=")[0] == name and "=" in word
        for item in dockerfile.meta_args
        for word in item.args
    )
