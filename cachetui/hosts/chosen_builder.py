"""The builder that is named for a host, found there: a docker context, or one of another driver.

A builder of the driver docker is the BuildKit inside an engine, and has the name of the docker
context that leads there (buildx `builder/builder.go`; buildx creates no builder of a context's
name). So an audit of it is an audit of that engine: `docker --context NAME` has its images, its
caches and its legacy builder. Any other is taken by its name alone.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from cachetui.builders.client import client, last_line, split
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine

_SECONDS = 30.0
_ENGINE = re.compile(r"(--context|--host|-c|-H)(=|\Z)|-[cH].")


def with_chosen_builder(
    machine: Machine, host: HostSettings, cancel: Cancel | None = None
) -> HostSettings:
    """The host as its commands are to be run: where its builder is a docker context, the words of
    its client lead there. Nothing is asked where no builder is named.

    Raises HostError: as `Machine.run`, and `no-builder`.
    """
    name = host.builder
    if name is None:
        return host
    docker, quoted = client(host.docker, host.env), shlex.quote(name)
    done = machine.run(
        f"if {docker} context inspect {quoted} >/dev/null 2>&1; then echo context; "
        f"else {docker} buildx inspect {quoted}; fi",
        timeout=_SECONDS,
        cancel=cancel,
    )
    if done.status != 0:
        said = last_line(done.error_text, {})
        raise HostError(
            host.name,
            "no-builder",
            f"it has no builder {name}{f': {said}' if said else ''}",
            "docker buildx ls there lists them; choose one by builder in hosts.toml or --builder",
        )
    if done.text.strip() != "context":
        return host
    other = next((word for word in split(host.docker)[1][1:] if _ENGINE.match(word)), None)
    if other is not None:
        raise HostError(
            host.name,
            "no-builder",
            f"builder {name} is a docker context, but {other} in docker names an engine too",
            "remove one of them from hosts.toml",
        )
    return msgspec.structs.replace(host, docker=(*host.docker, "--context", name))
