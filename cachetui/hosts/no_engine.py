"""Why docker does not answer on a host, case by case, each with its remedy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cachetui.builders.client import last_line, split
from cachetui.hosts.machine import HostError, HostErrorKind

Case = tuple[HostErrorKind, str, str]
"""The kind of error, the reason, the remedy."""

PODMAN = (
    "podman builds with buildah and has neither of docker's builders, so nothing can be audited "
    "there: set docker in hosts.toml to the path of the real docker, or "
    "env = { DOCKER_HOST = ... } to its socket"
)


def podman(version: Mapping[str, Any]) -> str | None:
    """What is podman, where `docker version` was answered by it, else None. Pure.

    podman's client writes APIVersion, docker's ApiVersion; podman's service, behind docker's
    client, names its component (both read from podman 4.3.1, also with its notice silenced).
    """
    server, client = version.get("Server"), version.get("Client")
    parts = server.get("Components") if isinstance(server, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("Name") == "Podman Engine":
            return "the engine behind docker's socket is podman"
    if isinstance(client, dict) and "APIVersion" in client:
        return "the command docker is podman"
    return None


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
    user = host.get("user") or "the user"
    rootless = ""
    if host.get("rootless") and "DOCKER_HOST" not in env:
        setting = f'env = {{ DOCKER_HOST = "unix://{host["rootless"]}" }}'
        rootless = f"; for its rootless engine: {setting}"
    case = _command(line, said.lower(), status, docker, user)
    case = case or _engine(line, said.lower(), user, rootless)
    return HostError(name, *(case or _unknown(line, status)))


def _command(line: str, low: str, status: int, docker: Sequence[str], user: str) -> Case | None:
    """The client's command cannot be run."""
    before, words = split(docker)
    command = shlex.join(words[:1])
    sudoers = f"sudoers: {user} ALL=(root) NOPASSWD:SETENV: /usr/bin/docker"
    if before and re.search(r"(password|terminal) is required", low):
        return (
            "permission",
            f"{before[0]} asks for a password for {user} to run {command}",
            f"allow it without one in {sudoers}",
        )
    if before and re.search(r"not allowed to (preserve|set) the", low):
        return (
            "permission",
            f"{before[0]} does not let {user} set variables for {command}",
            f"allow it with SETENV in {sudoers}",
        )
    if before and re.search(r"not allowed to execute|not in the sudoers|may not run", low):
        return (
            "permission",
            f"{before[0]} does not allow {user} to run {command}",
            f"allow it in {sudoers}",
        )
    if status == 126:
        return (
            "no-docker",
            f"{command} exists but cannot be run ({line})",
            "set docker in hosts.toml to the right command",
        )
    if status == 127 or (before and re.search(r"command not found$", line)):
        by_name = before and re.search(rf"{re.escape(before[0])}: (command )?not found$", line)
        return (
            "no-docker",
            f"there is no command {before[0] if by_name else command}",
            "install docker there, or set docker in hosts.toml to its path "
            "(a login without a terminal may have a shorter PATH)",
        )
    if "podman" in low:
        return ("no-docker", f"{command} is podman there", PODMAN)
    return None


def _engine(line: str, low: str, user: str, rootless: str) -> Case | None:
    """The client runs, and has no engine."""
    if "permission denied" in low:
        return (
            "permission",
            f"{user} may not use the docker socket",
            f"run there: sudo usermod -aG docker {user} (and log in anew), or set docker = "
            f'"sudo -n docker" in hosts.toml{rootless}',
        )
    if "context" in low and ("not found" in low or "does not exist" in low):
        return (
            "daemon-down",
            f"the docker context chosen there does not exist: {line}",
            "choose one on the host: docker context use default",
        )
    if re.search(r"api version|too new|too old", low):
        return (
            "daemon-down",
            f"the docker client and its engine are not compatible: {line}",
            "update the older of the two, or unset DOCKER_API_VERSION",
        )
    if re.search(r"cannot connect|failed to connect|is the docker daemon running", low):
        return (
            "daemon-down",
            f"the docker engine is not running: {line}",
            f"start it there: sudo systemctl start docker{rootless}",
        )
    return None


def _unknown(line: str, status: int) -> Case:
    what = line or f"docker version ended with status {status}"
    return "daemon-down", f"the docker engine does not answer: {what}", "run docker version there"
