"""What a builder of a host cannot build, or builds otherwise, by the Dockerfile alone.

All builders parse the whole file before anything else, so what the parser does not know
(`features`) counts anywhere. What fails at run time counts only in stages that are built.
"""

from __future__ import annotations

from collections.abc import Mapping

from cachetui.builders.builder import Unsupported
from cachetui.builders.features import (
    FLAGS,
    GIT,
    GIT_PREFIXES,
    HEREDOC,
    MOUNTS,
    Reader,
    reader_of,
)
from cachetui.builders.registry import builder_named
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.backend import Backend


def unsupported(
    dockerfile: Dockerfile,
    target: str | None,
    backend: Backend,
    engine: str,
    build_args: Mapping[str, str] | None = None,
) -> Unsupported | None:
    """The first thing in the file that this builder cannot build, None when it can.

    `engine` is the engine's version: who parses the file depends on it and on the `# syntax=`
    line alone. Raises `DockerfileError` for an unknown target.
    """
    builder = builder_named(backend)
    reader = reader_of(engine, dockerfile.syntax if builder.reads_syntax else None)
    for item in dockerfile.instructions:
        reason = _unread(item, reader, engine)
        if reason:
            return Unsupported(item.line, reason)
    return next(builder.obstacles(dockerfile, target, build_args or {}), None)


def builds_other(
    dockerfile: Dockerfile,
    target: str | None,
    backend: Backend,
    engine: str,
    build_args: Mapping[str, str] | None = None,
) -> str | None:
    """Why a build that succeeds here makes another image than BuildKit would (an older one: than
    a newer one), None if it does not. The sentence names the lines."""
    lines: dict[str, list[int]] = {}
    builder = builder_named(backend)
    for what, line in builder.deviations(dockerfile, target, engine, build_args or {}):
        lines.setdefault(what, []).append(line)
    if not lines:
        return None
    parts = [f"{what} ({_lines(numbers)})" for what, numbers in lines.items()]
    who = {
        "legacy": "the legacy builder does not build the same thing",
        "buildkit": f"BuildKit of Docker Engine {engine} does not build what newer ones do",
    }
    return f"{who[backend]}: it " + "; it ".join(parts)


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
    for mount in item.mounts:
        for key, _ in mount.options:
            feature = MOUNTS.get((mount.type, key))
            if feature is not None and not reader.knows(feature):
                return f"{who} does not know {key}= of RUN --mount=type={mount.type}"
    if any(source.startswith(GIT_PREFIXES) for source in item.remote_sources) and not reader.knows(
        GIT
    ):
        return f"{who} does not know ADD of a git repository"
    if item.heredocs and not reader.knows(HEREDOC):
        return f"{who} does not know heredocs and reads their lines as instructions"
    return None
