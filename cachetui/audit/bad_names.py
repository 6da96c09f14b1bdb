"""File names that are not UTF-8, which BuildKit of newer engines cannot take (lab: 28.5, both
stores; 26.1 and 20.10 can).

The build ends while the context is sent, and its message names no file. It happens with what is
sent alone: not with what `.dockerignore` leaves out, nor with what no COPY, ADD or bind mount
needs. The target of a symbolic link counts too.
"""

from __future__ import annotations

from collections.abc import Iterable

from cachetui.context.manifest import Entry
from cachetui.findings.wording import join_names

REFUSED = "string field contains invalid UTF-8"
"""What the engine says."""


def bad_names(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The paths in the context that are not UTF-8, or that link to one, each byte that is none as
    `\\\\xNN`. A folder stands for what is below it."""
    found: list[str] = []
    for entry in entries:
        path, target = _shown(entry.path), _shown(entry.target or "")
        below = any(entry.path.startswith(f"{above}/") for above in found)
        if path == entry.path and target == (entry.target or ""):
            continue
        if not below:
            found.append(entry.path)
    return tuple(_named(entry) for entry in entries if entry.path in found)


def remedy(names: tuple[str, ...]) -> str:
    """What to say of these paths."""
    what = "a name that is not UTF-8" if len(names) == 1 else "names that are not UTF-8"
    rename = "rename it" if len(names) == 1 else "rename them"
    return (
        f"the build context has {what}, which BuildKit of this engine cannot take: "
        f"{join_names(names)}; {rename}, or leave it out in .dockerignore"
    )


def _named(entry: Entry) -> str:
    path = _shown(entry.path).removeprefix("context/")
    if entry.kind == "symlink" and _shown(entry.target or "") != entry.target:
        return f"{path} (a link to {_shown(entry.target or '')})"
    return path


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
