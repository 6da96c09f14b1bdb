"""Failures of a build that are its host's trouble and not the Dockerfile's, each with its remedy.

Sources: buildx `builder/builder.go` ("no builder %q found"); Go's `crypto/x509` ("certificate has
expired or is not yet valid: current time … is after …"); apt ("is not valid yet"); ENOSPC of the C
library, which runc, containerd and docker pass on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TROUBLES = (
    (
        r'no builder "?(?P<name>[^"\n]*?)"? found',
        "buildx has no builder {name} there, which BUILDX_BUILDER or docker buildx use names: see "
        "docker buildx ls, then unset BUILDX_BUILDER (or env in hosts.toml), or run docker buildx "
        "use default",
    ),
    (
        r"certificate has expired or is not yet valid: current time|"
        r"Release file for .* is (not valid yet|expired)",
        "the host's clock is wrong, or what it checks is out of date: compare date there with the "
        "time, and set it (timedatectl set-ntp true)",
    ),
    (
        r"no space left on device",
        "a disk of the host is full, most likely docker's own: see docker info --format "
        "'{{{{.DockerRootDir}}}}' with df -h, and docker system df for what takes the room",
    ),
    (
        r"disk quota exceeded",
        "a disk quota of the host is used up: see quota and docker system df there",
    ),
)

_LINE = 200
"""Characters of a step's line that are shown."""


def host_trouble(reason: str) -> str | None:
    """What in the host's own setting made a build fail with this reason, None where it is not
    known. Pure."""
    for pattern, text in _TROUBLES:
        found = re.search(pattern, reason, re.IGNORECASE)
        if found is not None:
            return text.format(**found.groupdict())
    return None


def trouble_in_log(lines: Iterable[str]) -> str | None:
    """The same of the last lines that a failed step printed, the line with it; None where no line
    names one. A command may fill a disk of its own, or print what it only tests. Pure."""
    for line in lines:
        trouble = host_trouble(line)
        if trouble is not None:
            return f'its log says "{line.strip()[:_LINE]}", so perhaps {trouble}'
    return None
