"""What a host is: its engine, what it can build, its disk. One script, one round trip."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cachetui.builders.builder import BuilderProbe
from cachetui.builders.client import last_line
from cachetui.config.settings import HostSettings
from cachetui.hosts.available_builders import available_builders
from cachetui.hosts.buildx_builders import used_builders
from cachetui.hosts.cache_records import parse_size
from cachetui.hosts.client_settings import parse_settings, told_of_builder
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.image_configuration import base_of_line
from cachetui.hosts.machine import Cancel, Completed, HostError, Machine
from cachetui.hosts.no_engine import PODMAN, no_engine, podman
from cachetui.records.digest import ValueHasher
from cachetui.records.host import HostFacts
from cachetui.records.host_json import loads

FACTS_SECONDS = 45.0


def ask_facts(
    machine: Machine,
    host: HostSettings,
    bases: Sequence[str],
    *,
    usage: bool = True,
    cancel: Cancel | None = None,
    hasher: ValueHasher | None = None,
) -> HostFacts:
    """Ask a host for its facts. `bases` are the image references whose layers are asked for;
    `usage` says whether to ask for `df`, which takes longer than all the rest together. `hasher` is
    the store's, for facts that are kept; without it digests of values are comparable with no other.

    Raises HostError: as `Machine.run`, and `no-docker`, `permission`, `daemon-down`, `shell`.
    """
    command = facts_command(host.docker, host.env, bases, secrets.token_hex(16), usage)
    try:
        done = machine.run(command, timeout=FACTS_SECONDS, cancel=cancel)
    except HostError as error:
        if error.kind != "timeout":
            raise
        raise HostError(
            host.name,
            "daemon-down",
            f"the docker engine did not answer within {FACTS_SECONDS:g} s",
            "look at it on the host: docker info; journalctl -u docker",
        ) from None
    return parse_facts(host.name, done, host.docker, bases, host.env, hasher)


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the script printed, and its exit status."""

    out: str
    err: str
    status: int

    def json(self) -> dict[str, Any]:
        """The first JSON object among its lines, {} when there is none."""
        for line in self.out.splitlines():
            if line.startswith("{"):
                try:
                    value = loads(line)
                except ValueError:
                    continue
                if isinstance(value, dict):
                    return value
        return {}


# One pattern for all visits: with a visit's own token in it, each would compile another.
_TOKEN = re.compile(r"^cachetui-facts ([0-9a-f]{16,})$", re.MULTILINE)
_MARK = re.compile(r"^([0-9a-f]{16,}) (\S+)(?: (\S+))?\n", re.MULTILINE)


def sections(done: Completed) -> dict[str, Section]:
    """The script's sections by name; {} when its shell did not come to run it."""
    token = _TOKEN.search(done.text)
    if token is None:
        return {}
    outs, errs = (
        _cut(token[1], text) for text in (done.text, done.stderr.decode("utf-8", "replace"))
    )
    return {
        name: Section(out, errs.get(name, ("", ""))[0], int(status) if status.isdigit() else 1)
        for name, (out, status) in outs.items()
    }


def _cut(token: str, text: str) -> dict[str, tuple[str, str]]:
    """Name → (text, status) of the sections of one output, which marks with this token divide."""
    marks = [mark for mark in _MARK.finditer(text) if mark[1] == token]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    cut: dict[str, tuple[str, str]] = {}
    name = ""
    for mark, end in zip(marks, ends, strict=False):
        word, status, body = mark[2], mark[3], text[mark.end() : end]
        if word == "=":
            cut[name] = (cut[name][0], status or "")
        else:
            name = word
            cut[name] = (body.removesuffix("\n"), "")
    return cut


def parse_facts(
    name: str,
    done: Completed,
    docker: Sequence[str] = ("docker",),
    bases: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    hasher: ValueHasher | None = None,
) -> HostFacts:
    """The facts in what the script printed. `hasher` as in `ask_facts`.

    Raises HostError `no-docker`, `permission`, `daemon-down`, or `shell` when the host's shell
    did not run the script.
    """
    env = env or {}
    parts = sections(done)
    if "version" not in parts:
        said = last_line(done.error_text or done.text, env)
        raise HostError(
            name,
            "shell",
            f"its login shell does not run commands{f': {said}' if said else ''}",
            "try it: ssh HOST 'echo works'",
        )
    host = _values(parts["host"].out)
    version = parts["version"].json()
    other = podman(version)
    if other is not None:
        raise HostError(name, "no-docker", other, PODMAN)
    if parts["version"].status != 0 or not version.get("Server"):
        raise no_engine(name, parts["version"].err, parts["version"].status, docker, host, env)
    info = parts.get("info", _NOTHING).json()
    if not info.get("ID") and not info.get("Driver"):
        raise HostError(
            name,
            "daemon-down",
            "the docker engine gives its version, but docker info fails",
            "look at it on the host: docker info; journalctl -u docker",
        )
    return _facts(parts, host, version, info, bases, env, hasher or ValueHasher.for_once())


_NOTHING = Section("", "", 1)


def _facts(
    parts: Mapping[str, Section],
    host: Mapping[str, str],
    version: Mapping[str, Any],
    info: Mapping[str, Any],
    bases: Sequence[str],
    env: Mapping[str, str],
    hasher: ValueHasher,
) -> HostFacts:
    """The facts of a host with an engine. `host` is what its shell says, `version` and `info`
    what docker's commands of these names say."""
    server = version["Server"]
    engine, system = str(server.get("Version", "")), str(server.get("Os", ""))
    client_version = str(version.get("Client", {}).get("Version", ""))
    plugin = _buildx(info)
    probe = BuilderProbe(
        engine=engine,
        client=client_version,
        buildx=plugin,
        legacy_said=parts.get("legacy", _NOTHING).out,
        env=env,
    )
    backends, missing = available_builders(probe, system)
    settings = parts.get("settings", _NOTHING).out
    builders = used_builders(
        parts.get("builders", _NOTHING).out, *told_of_builder(settings), client_version
    )
    lines = [line for line in parts.get("bases", _NOTHING).out.split("\n") if line.strip()]
    told = dict(zip(bases, (base_of_line(line, hasher) for line in lines), strict=False))
    return HostFacts(
        engine=engine,
        api=str(server.get("ApiVersion", "")),
        client=client_version,
        buildx=plugin[0] if plugin and not plugin[1] else None,
        store=_store(info),
        engine_id=str(info.get("ID", "")),
        engine_name=str(info.get("Name", "")),
        rootless=_rootless(info),
        platform=f"{system}/{server.get('Arch', '')}",
        backends=backends,
        missing=missing,
        cores=_count(info.get("NCPU")),
        memory_bytes=_count(info.get("MemTotal")),
        load=_number(host.get("load", "")),
        free_bytes=_free(parts.get("free", _NOTHING).out),
        df=_usage(parts.get("df", _NOTHING)),
        bases=dict.fromkeys(bases) | {ref: one.layers for ref, one in told.items()},
        triggers={ref: one.triggers for ref, one in told.items() if one.triggers is not None},
        base_settings={ref: one.settings for ref, one in told.items() if one.settings is not None},
        booted_at=_booted_at(host),
        umask=host.get("umask"),
        user=host.get("user") or None,
        cache_folder=host.get("cache", ""),
        client_settings=parse_settings(settings, hasher),
        builder=builders.of_docker_build,
        builder_choice=builders.choice,
        buildx_builder=builders.of_buildx,
    )


def _rootless(info: Mapping[str, Any]) -> bool:
    """Whether the engine runs without root's rights, by its security options."""
    options = info.get("SecurityOptions")
    return isinstance(options, list) and any("name=rootless" in str(one) for one in options)


_TICKS = 100.0
"""Of /proc, in a second."""


def _booted_at(host: Mapping[str, str]) -> float | None:
    """When the host was started, from what it tells of its clock and first process."""
    now, up = _number(host.get("now", "")), _number(host.get("up", ""))
    words = host.get("first", "").split()
    first = _number(words[19]) if len(words) > 19 else None
    if now is None or up is None or first is None:
        return None
    return float(round(now - up + first / _TICKS))


def _values(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, mark, value in pairs if mark}


def _store(info: Mapping[str, Any]) -> str:
    """The graph driver, or `containerd/<snapshotter>`."""
    driver = str(info.get("Driver", ""))
    for pair in info.get("DriverStatus") or ():
        if pair == ["driver-type", "io.containerd.snapshotter.v1"]:
            return f"containerd/{driver}"
    return driver


def _buildx(info: Mapping[str, Any]) -> tuple[str, str] | None:
    """(version, error) of the client's buildx, None when it has none."""
    for plugin in (info.get("ClientInfo") or {}).get("Plugins") or ():
        if isinstance(plugin, dict) and plugin.get("Name") == "buildx":
            return str(plugin.get("Version", "")).removeprefix("v"), str(plugin.get("Err") or "")
    return None


def _free(text: str) -> int | None:
    row = re.search(r"\s\d+\s+-?\d+\s+(-?\d+)\s+\d+%", text)
    return max(0, int(row[1])) * 1024 if row else None


def _usage(section: Section) -> dict[str, int]:
    """`docker system df`: bytes by type; {} when it did not end in time."""
    used: dict[str, int] = {}
    for line in section.out.splitlines() if section.status == 0 else ():
        try:
            row = loads(line)
        except ValueError:
            continue
        size = parse_size(str(row.get("Size", ""))) if isinstance(row, dict) else None
        if size is not None:
            used[str(row.get("Type", "")).removeprefix("Local ")] = size
    return used


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
