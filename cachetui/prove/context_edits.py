"""Changes of a derived context, as shell commands for the host that it lies on. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cachetui.context.manifest import Entry
from cachetui.findings.context_files import Difference, from_root


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One path (from the build context's root; `../contexts/…` in a named one) as it is to be:
    gone (`entry` None), of another mode only (`source` None), or as it lies below the folder
    `source` on the host."""

    path: str
    entry: Entry | None
    source: str | None = None


def edits(
    difference: Difference, then: Mapping[str, Entry], source: str | None
) -> tuple[FileEdit, ...]:
    """What makes a context as it is now (the second of the difference) what it was then."""
    file_edits = [FileEdit(from_root(path), None) for path in reversed(difference.added)]
    back = sorted({*difference.removed, *difference.content})
    file_edits += [FileEdit(from_root(path), then[path], source) for path in back]
    file_edits += [FileEdit(from_root(path), then[path]) for path, _, _ in difference.modes]
    return tuple(file_edits)


def commands(changes: Iterable[FileEdit]) -> list[str]:
    """The shell commands, to be run in the context's root under `set -e`."""
    return [command for change in changes for command in _commands(change)]


def _commands(change: FileEdit) -> list[str]:
    path = shlex.quote(f"./{change.path}")
    entry = change.entry
    if entry is None:
        return [f"rm -rf {path}"]
    mode = f"chmod {entry.mode:o} {path}"
    if change.source is None:
        return [mode]
    if entry.kind == "dir":
        return [f"mkdir -p {path}", mode]
    if entry.kind == "symlink":
        return [f"rm -rf {path}", f"ln -s {shlex.quote(entry.target or '')} {path}"]
    # Without the old times: a context whose file differs in neither size nor time is not sent
    # again (buildkit#4950).
    source = shlex.quote(f"{change.source}/{change.path}")
    return [f"rm -rf {path}", f"cp {source} {path}", mode]
