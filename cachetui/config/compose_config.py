"""The builds of a compose file, from `docker compose config --format json`.

For a compose that cannot print the bake file of its builds (before 2.34). The result is what newer
ones print: targets with bake's fields (compose `pkg/compose/build_bake.go`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

_SAME = {
    "additional_contexts": "contexts",
    "args": "args",
    "cache_from": "cache-from",
    "cache_to": "cache-to",
    "context": "context",
    "dockerfile_inline": "dockerfile-inline",
    "labels": "labels",
    "network": "network",
    "no_cache": "no-cache",
    "no_cache_filter": "no-cache-filter",
    "platforms": "platforms",
    "pull": "pull",
    "shm_size": "shm-size",
    "ssh": "ssh",
    "tags": "tags",
    "target": "target",
}
"""Keys of `build:` that are fields of a target as they are."""


def targets_of(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The targets of all services that are built, by the service's name.

    A key that is not known here stays under its name, which no target has, so that it is refused.
    """
    secrets = config.get("secrets") or {}
    found = {}
    for name, service in (config.get("services") or {}).items():
        build = _plain((service or {}).get("build"))
        if build is not None:
            found[name] = _target(build, _plain(service), secrets)
    return found


def _plain(value: Any) -> Any:
    """The value with its texts as they are: compose doubles each `$` when it prints them."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _target(
    build: Mapping[str, Any], service: Mapping[str, Any], secrets: Mapping[str, Any]
) -> dict[str, Any]:
    target: dict[str, Any] = {}
    for key, value in build.items():
        if key.startswith("x-") or value in (None, "", [], {}) or key == "privileged":
            continue
        if key in _SAME:
            target[_SAME[key]] = value
        elif key in _MADE:
            field, made = _MADE[key]
            target.setdefault(field, []).extend(made(value))
        elif key == "dockerfile":
            target[key] = posixpath.join(str(build.get("context", "")), value)
        elif key == "extra_hosts":
            target["extra-hosts"] = _hosts(value)
        elif key == "secrets":
            target["secret"] = [_secret(one, secrets) for one in value]
        elif (key, value) != ("isolation", "default"):
            target[key] = value
    if build.get("privileged"):
        target.setdefault("entitlements", []).append("security.insecure")
    if "contexts" in target:
        target["contexts"] = {
            name: str(source).replace("service:", "target:", 1)
            if str(source).startswith("service:")
            else source
            for name, source in target["contexts"].items()
        }
    if "args" in target:
        target["args"] = {k: v for k, v in target["args"].items() if v is not None}
    if service.get("platform") and not target.get("platforms"):
        target["platforms"] = [service["platform"]]
    return target


def _hosts(value: Any) -> dict[str, str]:
    """Names and their addresses; compose prints a list of `NAME=IP` (before 2.24 `NAME:IP`)."""
    if isinstance(value, Mapping):
        return {name: str(address) for name, address in value.items()}
    hosts: dict[str, str] = {}
    for text in value:
        name, _, address = text.partition("=" if "=" in text else ":")
        hosts[name] = f"{hosts[name]},{address}" if name in hosts else address
    return hosts


def _secret(one: Any, secrets: Mapping[str, Any]) -> str:
    """A secret as --secret has it. One that the file does not define has no source, and is refused
    later as such."""
    source = one if isinstance(one, str) else one.get("source", "")
    name = source if isinstance(one, str) else one.get("target") or source
    defined = _plain(secrets.get(source) or {})
    if defined.get("file"):
        return f"id={name},type=file,src={defined['file']}"
    if defined.get("environment"):
        return f"id={name},type=env,env={defined['environment']}"
    return f"id={name}"


def _attest(kind: str) -> Callable[[str], list[str]]:
    def words(value: str) -> list[str]:
        if value == "true":
            return [f"type={kind}"]
        return [f"type={kind},disabled=true" if value == "false" else f"type={kind},{value}"]

    return words


def _ulimits(value: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}={limit['soft']}:{limit['hard']}"
        if isinstance(limit, Mapping)
        else f"{name}={limit}"
        for name, limit in value.items()
    ]


_MADE: Mapping[str, tuple[str, Callable[[Any], list[str]]]] = {
    "entitlements": ("entitlements", list),
    "provenance": ("attest", _attest("provenance")),
    "sbom": ("attest", _attest("sbom")),
    "ulimits": ("ulimits", _ulimits),
}
"""Keys of `build:` that are written otherwise in a target."""
