"""Which ignore file a builder reads, by the name under which its user knows it.

BuildKit prefers `<Dockerfile>.dockerignore` beside the Dockerfile, wherever that is; the legacy
builder reads `.dockerignore` in the context alone (lab, all engines).
"""

from __future__ import annotations

from collections.abc import Iterable

from e2b_dockerfile_utils import PatternMatcher

from cachetui.findings.wording import join_names
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord


def ignore_advice(build: BuildRecord, backend: Backend, paths: Iterable[str], add: str) -> str:
    """Advice to exclude `paths` by the lines `add`: into the file that the builder reads. "" where
    it has nothing to say."""
    own = _own(build)
    if backend == "buildkit" or own is None:
        return f"Add to {own or '.dockerignore'}, one line each: {add}"
    if ignored_on_buildkit_alone(build, backend, paths) is not None:
        return (
            f"Add to .dockerignore the lines of {own} that exclude them: the legacy builder never "
            f"reads {own}"
        )
    return f"Add to .dockerignore, one line each: {add}; BuildKit reads {own} in its place"


def ignored_on_buildkit_alone(
    build: BuildRecord, backend: Backend, paths: Iterable[str]
) -> str | None:
    """Why the legacy builder sees files that BuildKit does not, as a sentence; None where that is
    not so of all of them."""
    own = _own(build)
    if backend != "legacy" or own is None:
        return None
    try:
        matcher = PatternMatcher(_text(build).removeprefix("\ufeff").splitlines())
    except ValueError:
        return None
    seen = list(paths)
    if not seen or not all(matcher.matches(path) for path in seen):
        return None
    return (
        f"{own} excludes {join_names(seen, 3)}, for BuildKit alone: the legacy builder never reads "
        "that file, so it misses where BuildKit hits"
    )


def _own(build: BuildRecord) -> str | None:
    """The ignore file beside the Dockerfile, None where there is none."""
    if not _text_names(build):
        return None
    return f"{build.dockerfile_name or build.dockerfile}.dockerignore"


def _text(build: BuildRecord) -> str:
    return build.ignore_files[_text_names(build)[0]]


def _text_names(build: BuildRecord) -> list[str]:
    """Where that file is in the folder that was sent."""
    return [
        name
        for name in (f"context/{build.dockerfile}.dockerignore", f"{build.dockerfile}.dockerignore")
        if name in build.ignore_files
    ]
