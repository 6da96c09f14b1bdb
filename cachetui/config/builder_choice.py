"""The builder that a host builds with (`builder` of hosts.toml), in docker's words and variables.

A builder of the driver docker is the BuildKit inside an engine, and has the name of the docker
context that leads there (buildx `builder/builder.go`; our lab). So an audit of it is an audit of
that engine: `docker --context NAME` has its images, its caches and its legacy builder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]+", re.ASCII)
"""Docker's rule for the name of a context."""
_ENGINE = re.compile(r"(--context|--host|-c|-H)(=|\Z)|-[cH].")


def of_builder(name: str | None, host: Mapping[str, Any]) -> dict[str, Any]:
    """`docker` and `env` of a host whose builder has that name; `host` has them as they are
    written. {} where none is named. Raises `ValueError` with what is wrong."""
    if name is None:
        return {}
    if not _NAME.fullmatch(name):
        raise ValueError(f'"{name}" is no name of a builder; docker buildx ls lists them')
    words: tuple[str, ...] = host.get("docker") or ("docker",)
    at = next((at for at, word in enumerate(words) if PurePosixPath(word).name == "docker"), 0)
    other = next((word for word in words[at + 1 :] if _ENGINE.match(word)), None)
    if other is not None:
        raise ValueError(f"names an engine, and so does {other} in docker; remove one of them")
    # Else a BUILDX_BUILDER of the host's own would win over the context.
    env = {**host.get("env", {}), "BUILDX_BUILDER": name}
    return {"docker": (*words, "--context", name), "env": env}
