"""File names that are not UTF-8, which BuildKit of newer engines cannot take (lab: 28.5, both
stores; 26.1 and 20.10 can).

The build ends while the context is sent, and its message names no file. It happens with what is
sent alone: not with what `.dockerignore` leaves out, nor with what no COPY, ADD or bind mount
needs. The target of a symbolic link counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cachetui.context.build_context import Context
from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import Dockerfile, needed_stages
from cachetui.findings.context_files import NAMED, ContextFiles, files_read, reads_context
from cachetui.findings.variables import scope_at
from cachetui.findings.wording import join_names

REFUSED = "string field contains invalid UTF-8"
"""What the engine says."""


def sent_entries(
    context: Context, dockerfile: Dockerfile, target: str | None, build_args: Mapping[str, str]
) -> tuple[Entry, ...]:
    """What BuildKit asks for of the context: what its COPY, ADD and bind mounts need; all that its
    ignore file lets through where a source is not known."""
    files = ContextFiles(context.entries, context.ignore_files, context.dockerfile)
    visible = files.visible("buildkit")
    if visible is None:
        return context.entries
    needed: dict[str, Entry] = {}
    for index in needed_stages(dockerfile, target):
        for item in dockerfile.stages[index].instructions:
            if reads_context(item, "buildkit"):
                scope = scope_at(dockerfile, build_args, index, item.index, "buildkit")
                read = files_read(files, item, "buildkit", scope)
                if read is None:
                    return tuple(visible.values())
                needed.update(read)
    named = (entry for entry in context.entries if entry.path.startswith(f"{NAMED}/"))
    return (*(entry for path, entry in visible.items() if path in needed), *named)


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
    return (
        f"the build context has {what} not UTF-8, which BuildKit of this engine cannot take: "
        f"{join_names(names)}; rename {them}, or leave {them} out in .dockerignore"
    )


def _named(entry: Entry) -> str:
    path = _shown(entry.path).removeprefix("context/")
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
