"""Which builders a host has, found without building anything."""

from __future__ import annotations

from collections.abc import Mapping

from cachetui.builders.client import last_line
from cachetui.records.backend import Backend
from cachetui.records.versions import version_key

BUILDKIT_ENGINE = (18, 9)
"""The first engine with BuildKit inside."""

BUILDX_ONLY = (23,)
"""From this client on, `docker build` reaches BuildKit through buildx only."""

_INSTALL = "install Docker's buildx plugin (docker-buildx-plugin or docker-buildx) on the host"


def abilities(
    *,
    engine: str,
    system: str,
    client: str,
    buildx: tuple[str, str] | None,
    legacy: str,
    env: Mapping[str, str],
) -> tuple[tuple[Backend, ...], dict[str, str]]:
    """The backends that work, and for each other one why not and what to do.

    `system` is the engine's ("linux"), `buildx` its (version, error) as the client tells, and
    `legacy` what the legacy builder said of a file whose first word it does not know.
    """
    if system != "linux":
        reason = f"the engine builds for {system or 'an unknown system'}; only linux is supported"
        return (), {"legacy": reason, "buildkit": reason}
    missing: dict[str, str] = {}
    if reason := _no_legacy(legacy, env):
        missing["legacy"] = reason
    if reason := _no_buildkit(engine, client, buildx):
        missing["buildkit"] = reason
    names: tuple[Backend, ...] = ("legacy", "buildkit")
    return tuple(name for name in names if name not in missing), missing


def _no_legacy(said: str, env: Mapping[str, str]) -> str:
    """Why the legacy builder does not work, "" when it does.

    Its refusal is the engine's answer to a context that was sent whole. BuildKit's names its
    own steps and its solver.
    """
    refused = "unknown instruction: cachetui" in said.lower()
    buildkit = "failed to solve" in said or "[internal]" in said
    if refused and not buildkit:
        return ""
    if buildkit:
        return "docker build takes BuildKit even with DOCKER_BUILDKIT=0: the legacy builder is gone"
    said = last_line(said, env) or "it said nothing"
    return f"the legacy builder does not work: {said}"


def _no_buildkit(engine: str, client: str, buildx: tuple[str, str] | None) -> str:
    """Why BuildKit does not work, "" when it does."""
    if version_key(engine) < BUILDKIT_ENGINE:
        return f"engine {engine} has no BuildKit; update docker to 18.09 or later"
    if buildx is not None and not buildx[1]:
        return ""
    if version_key(client) < BUILDX_ONLY:
        return ""
    if buildx is not None:
        return f"the client's buildx is broken ({buildx[1][:200]}); {_INSTALL}"
    return f"the docker client {client} needs buildx for BuildKit, and has none; {_INSTALL}"
