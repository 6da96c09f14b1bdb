"""What is right to say of a change, by what engines have in their cache keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.truth.ignoring import sees, visible
from tests.truth.model import Build, Place

BUILDERS = ("legacy", "buildkit")
HOSTS = ("old", "mid", "new", "ctd")

CONTENT = frozenset({"context-content", "context-unneeded-file"})
MODES = frozenset({"context-mode-only"})


@dataclass(frozen=True)
class Cause:
    """Why steps miss: one of `rules` may say so, of one of `steps` (None: of any step that
    missed), with one of `words` in its text. It holds for these builders and hosts."""

    rules: frozenset[str]
    steps: frozenset[Place] | None = None
    words: tuple[str, ...] = ()
    builders: tuple[str, ...] = BUILDERS
    hosts: tuple[str, ...] = HOSTS


NEVER = frozenset(
    {"engine-differs", "legacy-drops-heredoc", "platform-differs", "remote-source"}
    | {"cold-mount-slow", "mount-changes-result", "mount-contention", "nondeterministic-step"}
)
"""Rules that can be right in no build of ours: all engines can build it for one platform, and its
steps make the same each time."""


def impossible(build: Build) -> frozenset[str]:
    """Rules that cannot be right of this build, whatever changed."""
    if build.has_mounts():
        return NEVER
    return NEVER | {"mount-needs-buildkit", "mount-id-shared"}


def context_causes(before: Build, after: Build) -> Iterable[Cause]:
    """What the difference of two contexts is to each step that reads it.

    Bytes, type, link target, name and mode of what a step reads are in its key, on both builders;
    times are not (our lab, all four engines).
    """
    for builder in BUILDERS:
        then, now = visible(before, builder), visible(after, builder)
        other, modes = [], []
        for path in sorted({*then, *now}):
            old, new = then.get(path), now.get(path)
            if old is None or new is None or (old.kind, old.text) != (new.kind, new.text):
                other.append(path)
            elif old.mode != new.mode:
                modes.append(path)
        for rules, paths in ((CONTENT, other), (MODES, modes)):
            for place, reads in after.readers():
                seen = tuple(path for path in paths if sees(reads, path))
                # A link that is named shows the change of what it points to.
                seen += tuple(p for p in reads if p in now and now[p].kind == "link" and seen)
                if seen:
                    yield Cause(rules, frozenset({place}), seen, (builder,))
