"""File names that are not UTF-8, which BuildKit of newer engines cannot take (lab: 28.5, both
stores; 26.1 and 20.10 can).

The build ends while the context is sent, and its message names no file. It happens with what is
sent alone: not with what `.dockerignore` leaves out, nor with what no COPY, ADD or bind mount
needs; the same holds of a named context (our lab). The target of a symbolic link counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cachetui.context.build_context import Context
from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import Dockerfile, needed_stages
from cachetui.findings.context_files import (
    NAMED,
    ROOT,
    ContextFiles,
    files_read,
    is_of_named,
    named_contexts_read,
    reads_context,
)
from cachetui.findings.variables import scope_at
from cachetui.findings.wording import join_names
from cachetui.records.versions import version_key

_REFUSED = "string field contains invalid UTF-8"
"""What the engine says."""

_CUT_SHORT = "context canceled"
"""What it says instead where its other half is the first to notice (28.5, seldom)."""

_REFUSES_FROM = (27,)
"""Engines before this take such names (26.1); 28.5 does not."""


def refused(reason: str, engine: str) -> bool:
    """Whether a build that nobody stopped, and that sends such names, failed for them."""
    return _REFUSED in reason or (_CUT_SHORT in reason and version_key(engine) >= _REFUSES_FROM)


def sent_entries(
    context: Context, dockerfile: Dockerfile, target: str | None, build_args: Mapping[str, str]
) -> tuple[Entry, ...]:
    """What BuildKit asks for of the context and of named ones: what its COPY, ADD and bind mounts
    need; all that its ignore file lets through where a source is not known, or where nothing of
    what is needed by the Dockerfile has a bad name: a trigger of the base image may need it."""
    files = ContextFiles(context.entries, context.ignore_files, context.dockerfile)
    visible = files.visible("buildkit")
    if visible is None:
        return context.entries
    below = f"{NAMED}/"
    tops = (one.path.removeprefix(below) for one in context.entries if one.path.startswith(below))
    named = {path.partition("/")[0] for path in tops}
    needed: dict[str, Entry] = {}
    for index in needed_stages(dockerfile, target):
        for item in dockerfile.stages[index].instructions:
            if not (
                reads_context(item, "buildkit") or named_contexts_read(item, "buildkit", named)
            ):
                continue
            scope = scope_at(dockerfile, build_args, index, item.index, "buildkit")
            read = files_read(files, item, "buildkit", scope, named)
            if read is None:
                return context.entries
            needed.update(read)
    sent = tuple(
        msgspec.structs.replace(entry, path=path) if is_of_named(path) else entry
        for path, entry in needed.items()
        if path in visible or is_of_named(path)
    )
    return sent if bad_names(sent) else tuple(visible.values())


def bad_names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The paths in the context that are not UTF-8, or that link to one, each byte that is none as
    `\\xNN`. A folder stands for what is below it."""
    found: list[Entry] = []
    for entry in entries:
        if _is_utf8(entry.path) and _is_utf8(entry.target or ""):
            continue
        if not any(entry.path.startswith(f"{above.path}/") for above in found):
            found.append(entry)
    return tuple(map(_named, found))


def remedy(names: tuple[str, ...]) -> str:
    """What to say of these paths."""
    one = len(names) == 1
    what, them = ("a name that is", "it") if one else ("names that are", "them")
    context = "a named context" if all(map(is_of_named, names)) else "the build context"
    return (
        f"{context} has {what} not UTF-8, which BuildKit of this engine cannot take: "
        f"{join_names(names)}; rename {them}, or leave {them} out in .dockerignore"
    )


def _named(entry: Entry) -> str:
    path = _shown(entry.path).removeprefix(f"{ROOT}/")
    if path.startswith(f"{NAMED}/"):
        name, _, rest = path.removeprefix(f"{NAMED}/").partition("/")
        path = f"named context {name}: {rest}"
    if entry.kind == "symlink" and not _is_utf8(entry.target or ""):
        return f"{path} (a link to {_shown(entry.target or '')})"
    return path


def _is_utf8(text: str) -> bool:
    """Whether a path as Python reads it has no byte that is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
