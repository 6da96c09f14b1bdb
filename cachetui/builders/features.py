"""Which Dockerfile features which parser knows: by engine, and by `# syntax=` frontend.

Read from moby's vendored `frontend/dockerfile/instructions/parse.go` and `commands_run*.go` at
the tags v20.10 to v29.7, and from BuildKit's release notes of `dockerfile/1.x`; tried in our lab
on 20.10.24, 26.1.5 and 28.5.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cachetui.records.versions import version_key

_OFFICIAL = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?::(?P<tag>[^@]+))?(?:@.*)?\Z"
)
_TAG = re.compile(r"(?P<version>\d+(?:\.\d+)*)?-?(?P<labs>labs|experimental)?\Z")


@dataclass(frozen=True, slots=True)
class Feature:
    """Since when a feature is known: `syntax` of the frontend's releases, `labs` of its labs
    channel, `engine` of the parser that Docker Engine has built in, which both of its backends
    use. None: in none yet."""

    syntax: tuple[int, ...] | None
    engine: tuple[int, ...] | None
    labs: tuple[int, ...] | None = None


HEREDOC = Feature((1, 4), (23, 0), labs=(1, 3))
GIT = Feature((1, 5), (24, 0), labs=(1, 1))
"""ADD of a git repository."""

NEWER_RUN_KEYS = (23,)
"""From this engine on, BuildKit's keys of RUN steps are others than 20.10's (our lab)."""

GIT_PREFIXES = ("git://", "ssh://", "git@", "github.com/")
"""How a source of ADD begins that is a git repository to every parser that knows them."""

FLAGS: dict[tuple[str, str], Feature] = {
    ("FROM", "platform"): Feature((1, 0), (0,)),
    ("RUN", "mount"): Feature((1, 2), (20, 10)),
    ("RUN", "network"): Feature((1, 3), (23, 0), labs=(1, 1)),
    ("RUN", "security"): Feature((1, 20), (29, 1), labs=(1, 1)),
    ("RUN", "device"): Feature(None, (28, 0), labs=(1, 14)),
    ("COPY", "chown"): Feature((1, 0), (0,)),
    ("COPY", "from"): Feature((1, 0), (0,)),
    ("COPY", "chmod"): Feature((1, 2), (20, 10)),
    ("COPY", "link"): Feature((1, 4), (23, 0)),
    ("COPY", "exclude"): Feature((1, 19), (28, 5), labs=(1, 7)),
    ("COPY", "parents"): Feature((1, 20), (29, 1), labs=(1, 7)),
    ("ADD", "chown"): Feature((1, 0), (0,)),
    ("ADD", "chmod"): Feature((1, 2), (20, 10)),
    ("ADD", "link"): Feature((1, 4), (23, 0)),
    ("ADD", "keep-git-dir"): Feature((1, 5), (24, 0)),
    ("ADD", "checksum"): Feature((1, 6), (24, 0), labs=(1, 5)),
    ("ADD", "exclude"): Feature((1, 19), (28, 5), labs=(1, 7)),
    ("ADD", "unpack"): Feature((1, 17), (28, 3)),
    ("HEALTHCHECK", "interval"): Feature((1, 0), (0,)),
    ("HEALTHCHECK", "timeout"): Feature((1, 0), (0,)),
    ("HEALTHCHECK", "start-period"): Feature((1, 0), (0,)),
    ("HEALTHCHECK", "start-interval"): Feature((1, 6), (25, 0)),
    ("HEALTHCHECK", "retries"): Feature((1, 0), (0,)),
}
"""Flags by instruction. One that is not here is newer than this table: nothing is said of it."""


MOUNT_KEYS = frozenset(
    (
        "type",
        "target",
        "dst",
        "destination",
        "source",
        "src",
        "from",
        "id",
        "sharing",
        "required",
        "size",
        "mode",
        "uid",
        "gid",
        "env",
        "ro",
        "readonly",
        "rw",
        "readwrite",
    )
)
"""Keys of `RUN --mount` that some parser knows."""

MOUNTS: dict[tuple[str, str], Feature] = {
    ("secret", "env"): Feature((1, 10), (27, 0)),
    ("tmpfs", "size"): Feature((1, 3), (23, 0)),
}
"""Keys by type of mount. An engine that is said to know one too early says so itself."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who parses the file: the engine's own parser, or the frontend of a `# syntax=` line.

    `version` is None where it cannot be told (another frontend, a floating tag): then it is
    taken to know everything.
    """

    version: tuple[int, ...] | None
    is_engine: bool
    labs: bool = False

    def knows(self, feature: Feature) -> bool:
        if self.version is None:
            return True
        if self.is_engine:
            return feature.engine is not None and self.version >= feature.engine
        since = [feature.syntax, feature.labs] if self.labs else [feature.syntax]
        return any(at is not None and self.version >= at for at in since)


def reader_of(engine: str, syntax: str | None) -> Reader:
    """The parser of a BuildKit build; the legacy builder passes None for `syntax`, which it
    does not read."""
    if syntax is None:
        return Reader(version_key(engine) or None, is_engine=True)
    official = _OFFICIAL.match(syntax)
    tag = _TAG.match(official["tag"] or "") if official else None
    if tag is None or tag["version"] is None:
        return Reader(None, is_engine=False)
    parts = version_key(tag["version"])
    # "1" and "1-labs" follow the newest release of their major version.
    floating = len(parts) < 2
    return Reader(None if floating else parts, is_engine=False, labs=tag["labs"] is not None)
