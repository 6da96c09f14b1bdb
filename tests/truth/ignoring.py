"""What of a context a builder sees, and which steps see a path: by the builders' own words."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from tests.truth.model import Build, Entry


def matches(path: str, pattern: str) -> bool:
    """Whether a path, or a folder above it, is what the pattern means."""
    if pattern == ".":
        return True
    segments, wanted = path.split("/"), pattern.strip("/").split("/")
    starts = range(len(segments)) if wanted[0] == "**" else (0,)
    wanted = wanted[1:] if wanted[0] == "**" else wanted
    return any(
        len(segments) >= start + len(wanted)
        and all(fnmatchcase(s, w) for s, w in zip(segments[start:], wanted, strict=False))
        for start in starts
    )


def ignored(path: str, lines: Iterable[str]) -> bool:
    """Whether an ignore file leaves a path out: the last line that matches decides."""
    out = False
    for line in lines:
        if line and not line.startswith("#") and matches(path, line.removeprefix("!")):
            out = not line.startswith("!")
    return out


def visible(build: Build, builder: str) -> dict[str, Entry]:
    """The context as a builder's COPY sees it. Only BuildKit reads Dockerfile.dockerignore, in
    place of .dockerignore."""
    lines: Iterable[str] = build.ignore
    if builder == "buildkit" and build.own_ignore is not None:
        lines = build.own_ignore
    return {path: entry for path, entry in build.context.items() if not ignored(path, lines)}


def sees(reads: Iterable[str], path: str) -> bool:
    """Whether a step that reads these sees a path."""
    return any(matches(path, pattern) for pattern in reads)
