"""Which entries of a context one source of COPY, ADD or a bind mount names, links followed.

Measured in our lab on 20.10, 26.1, 28.5 and 28.5 with the containerd store:

- A source that is a link, or lies behind one, is what the link points to. The legacy builder has
  that file's own path in the key, BuildKit only the name that is written.
- A link inside a copied folder is a link for BuildKit: its target's text counts. For the legacy
  builder the file behind it counts, and for one that is broken nothing but its name.
- `--exclude` holds below each source folder and leaves out no source itself (28.5).

Not followed: 26.1 takes a link below a wildcard's match for the file behind it.

Sources match as in BuildKit `frontend/dockerfile/dockerfile2llb/convert.go` (dispatchCopy) and moby
`builder/dockerfile/copy.go`: `filepath.Match`, part by part.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping

from e2b_dockerfile_utils import PatternMatcher
from msgspec import structs

from cachetui.context.manifest import Entry
from cachetui.records.backend import Backend

MAX_LINKS = 40
_MAGIC = re.compile(r"[*?\[]")


def copied(
    visible: Mapping[str, Entry],
    source: str,
    backend: Backend,
    leave_out: PatternMatcher | None = None,
) -> dict[str, Entry]:
    """Path → entry of what a source names, folders with all below them, less what `leave_out`
    excludes by its path from the folder that is copied."""
    entries: dict[str, Entry] = {}
    for written, real in _tops(visible, source):
        name = real if backend == "legacy" else written
        for path in _below(visible, real):
            inner = path[len(real) :].lstrip("/")
            if leave_out is not None and inner and leave_out.matches(inner):
                continue
            entry = visible[path]
            if backend == "legacy" and entry.kind == "symlink" and inner:
                entry = _behind(visible, path)
            entries[f"{name}/{inner}".strip("/") if inner else name] = entry
    return entries


def _tops(visible: Mapping[str, Entry], source: str) -> Iterator[tuple[str, str]]:
    """The paths that a source names, as written and as they are; "" is the whole context."""
    clean = posixpath.normpath(source.replace("/./", "/")).lstrip("/")
    if clean in (".", ""):
        yield "", ""
        return
    real = follow(visible, clean)
    if real is not None:
        yield clean, real
    elif _MAGIC.search(clean):
        folder, name = _fixed_part(clean)
        under = follow(visible, folder) if folder else ""
        if under is None:
            return
        start = f"{under}/" if under else ""
        depth = name.count("/")
        for path in [one for one in visible if one.startswith(start)]:
            inner = path[len(start) :]
            if inner.count("/") == depth and _matches(inner, name):
                found = follow(visible, path)
                yield f"{folder}/{inner}".lstrip("/"), path if found is None else found


def follow(visible: Mapping[str, Entry], path: str) -> str | None:
    """The path behind all links in it, within the context; None where it leads nowhere."""
    left, here, hops = path.split("/"), "", 0
    while left:
        part = left.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            here = posixpath.dirname(here)
            continue
        here = f"{here}/{part}".lstrip("/")
        entry = visible.get(here)
        if entry is None:
            return None
        if entry.kind == "symlink":
            hops += 1
            target = entry.target or ""
            if hops > MAX_LINKS:
                return None
            here = "" if target.startswith("/") else posixpath.dirname(here)
            left = [*target.split("/"), *left]
    return here


def _below(visible: Mapping[str, Entry], top: str) -> Iterator[str]:
    """A path and all below it; of the whole context all but its root."""
    if not top:
        yield from visible
    elif top in visible:
        yield top
        if visible[top].kind == "dir":
            yield from (path for path in visible if path.startswith(f"{top}/"))


def _behind(visible: Mapping[str, Entry], link: str) -> Entry:
    """What the legacy builder takes a link inside a folder for."""
    real = follow(visible, link)
    if real is None or real not in visible:
        return structs.replace(visible[link], target=None)
    return structs.replace(visible[real], path=link, target=real)


def _fixed_part(pattern: str) -> tuple[str, str]:
    """The folder that a pattern begins with, and the rest of it, from its first magic part on."""
    parts = pattern.split("/")
    first = next(n for n, part in enumerate(parts) if _MAGIC.search(part))
    return "/".join(parts[:first]), "/".join(parts[first:])


def _matches(path: str, pattern: str) -> bool:
    """Go's `filepath.Match`: `*` and `?` stop at a slash; `[^…]` negates."""
    parts = zip(path.split("/"), pattern.split("/"), strict=True)
    return all(fnmatch.fnmatchcase(name, part.replace("[^", "[!")) for name, part in parts)
