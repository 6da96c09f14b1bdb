"""Why a host has no engine for us: each case told apart, each with its remedy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from cachetui.hosts.base import HostError
from cachetui.hosts.docker import last_line, split


def no_engine(
    name: str,
    said: str,
    status: int,
    docker: Sequence[str],
    host: Mapping[str, str],
    env: Mapping[str, str],
) -> HostError:
    """The error for a `docker version` that failed. Pure.

    `said` is its standard error, `status` its exit status, `docker` the client's words. `host`
    has the script's `user` and, where there is such a socket, `rootless`. Values of `env` are
    kept out of the texts.
    """
    line = last_line(said, env)
    low = said.lower()
    before, words = split(docker)
    command = shlex.join(words[:1])
    user = host.get("user") or "the user"
    rootless = ""
    if host.get("rootless") and "DOCKER_HOST" not in env:
        rootless = (
            f'; for its rootless engine: env = {{ DOCKER_HOST = "unix://{host["rootless"]}" }}'
        )

    if before and ("password is required" in low or "a terminal is required" in low):
        return HostError(
            name,
            "permission",
            f"{before[0]} wants a password for {user} to run {command}",
            f"allow it without one in sudoers: {user} ALL=(root) NOPASSWD: /usr/bin/docker",
        )
    if before and re.search(r"not allowed to execute|not in the sudoers|may not run", low):
        return HostError(
            name,
            "permission",
            f"{before[0]} does not allow {user} to run {command}",
            f"allow it in sudoers: {user} ALL=(root) NOPASSWD: /usr/bin/docker",
        )
    if status in (126, 127) or re.search(r"(command )?not found$", line):
        missing = (
            before[0]
            if before and re.search(rf"\b{re.escape(before[0])}\b.*not found", low)
            else command
        )
        if status == 127 and before and f"{before[0]}: " not in low:
            missing = before[0]
        if status == 126:
            return HostError(
                name,
                "no-docker",
                f"{missing} is there, and cannot be run ({line})",
                "name the right command by docker in hosts.toml",
            )
        return HostError(
            name,
            "no-docker",
            f"there is no command {missing}",
            "install docker there, or name its path by docker in hosts.toml "
            "(a login without a terminal may have a shorter PATH)",
        )
    if "podman" in low:
        return HostError(
            name,
            "no-docker",
            f"{command} is podman there",
            "name the path of the real docker by docker in hosts.toml",
        )
    if "permission denied" in low:
        return HostError(
            name,
            "permission",
            f"{user} may not use the docker socket",
            f"run there: sudo usermod -aG docker {user} (and log in anew), or set docker = "
            f'"sudo -n docker" in hosts.toml{rootless}',
        )
    if "context" in low and ("not found" in low or "does not exist" in low):
        return HostError(
            name,
            "daemon-down",
            f"the docker context chosen there does not exist: {line}",
            "choose one on the host: docker context use default",
        )
    if "api version" in low or "too new" in low or "too old" in low:
        return HostError(
            name,
            "daemon-down",
            f"the docker client and its engine do not fit: {line}",
            "update the older of the two, or unset DOCKER_API_VERSION",
        )
    if re.search(r"cannot connect|failed to connect|is the docker daemon running", low):
        return HostError(
            name,
            "daemon-down",
            f"the docker engine is not running: {line}",
            f"start it there: sudo systemctl start docker{rootless}",
        )
    if not line:
        line = f"docker version ended with status {status}"
    return HostError(
        name,
        "daemon-down",
        f"the docker engine does not answer: {line}",
        "run docker version there",
    )
