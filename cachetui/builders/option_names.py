"""The options of `docker build` by name: what takes a value, whose they are, what is passed on.

The command line makes its own options of these, so it imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

SWITCHES = frozenset(
    ("check", "compress", "debug", "detach", "disable-content-trust", "force-rm", "help", "load")
) | frozenset(("no-cache", "pull", "push", "quiet", "rm", "squash", "stream"))
"""Options that need no value; one can only stand behind `=`."""

TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
"""What docker takes for a truth value (Go's strconv.ParseBool)."""

LETTERS: Mapping[str, str] = {
    "c": "cpu-shares",
    "D": "debug",
    "f": "file",
    "h": "help",
    "m": "memory",
    "o": "output",
    "q": "quiet",
    "t": "tag",
}
"""Options of one letter, and their long names."""

BUILDKIT_OPTIONS = frozenset(
    (
        "allow",
        "annotation",
        "attest",
        "build-context",
        "builder",
        "cache-to",
        "call",
        "check",
        "debug",
        "invoke",
        "load",
        "metadata-file",
        "no-cache-filter",
        "output",
        "policy",
        "print",
        "progress",
        "provenance",
        "push",
        "sbom",
        "secret",
        "ssh",
        "stream",
    )
)
"""Options of `docker build` that only BuildKit has; older clients of it lack many too."""

LEGACY_OPTIONS = frozenset(
    (
        "compress",
        "cpu-period",
        "cpu-quota",
        "cpu-shares",
        "cpuset-cpus",
        "cpuset-mems",
        "disable-content-trust",
        "force-rm",
        "isolation",
        "memory",
        "memory-swap",
        "rm",
        "security-opt",
        "squash",
    )
)
"""Options that mean something to the legacy builder alone."""

_NAMES = "the audit names its images itself and removes them"
_PRINTS = "the audit reads what docker prints"
_WRITES = "it writes a file on the host"
_BUILDS_NOT = "it does not build"
_BUILDER = "the audit builds with the host's own engine"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("tag", "output", "push"), _NAMES),
    **dict.fromkeys(("quiet", "progress", "debug"), _PRINTS),
    **dict.fromkeys(("iidfile", "metadata-file"), _WRITES),
    **dict.fromkeys(("call", "check", "print", "invoke", "help"), _BUILDS_NOT),
    **dict.fromkeys(("detach", "root", "server-config"), _BUILDER),
    "builder": 'name it with `builder = "…"` of the host or the build in hosts.toml',
    "file": 'name the Dockerfile with `dockerfile = "…"`',
    "target": 'name the stage with `target = "…"`',
}
"""Options of `docker build` that an audit never passes on, and why."""

_OF_BOTH = frozenset(
    [
        "add-host",
        "build-arg",
        "cache-from",
        "cgroup-parent",
        "label",
        "network",
        "no-cache",
        "platform",
        "pull",
        "shm-size",
        "ulimit",
    ]
)
PASSED_ON = (_OF_BOTH | BUILDKIT_OPTIONS | LEGACY_OPTIONS) - REFUSED.keys()
"""Options that an audit passes on: those of `docker build` and `docker buildx build` of Docker
20.10 to 29 that change what is built or how, and leave nothing on the host but the image."""
