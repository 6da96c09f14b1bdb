"""The builder of buildx that a build is to take (`builder` of hosts.toml, `run --builder`)."""

from __future__ import annotations

import re

import msgspec

from cachetui.config.settings import BUILDER_VARIABLE, HostSettings
from cachetui.config.toml_table import Table

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]+", re.ASCII)
"""Docker's rule for the name of a context; buildx's for a builder allows less."""


def problem_of_name(name: str) -> str | None:
    """Why this is no name of a builder, None where it can be one."""
    if _NAME.fullmatch(name):
        return None
    return f'"{name}" is not the name of a builder; docker buildx ls lists them'


def take_builder(table: Table) -> str | None:
    """The key `builder` of a table, None without it. Raises `ConfigError`."""
    name = table.take_text("builder")
    problem = problem_of_name(name) if name is not None else None
    if problem:
        raise table.error(problem, "builder")
    return name


def with_builder(host: HostSettings, name: str | None) -> HostSettings:
    """The host with the builder of that name in place of its own; None leaves its own.

    That the variable is set keeps one of the host's own from winning over a context.
    """
    name = name or host.builder
    if name is None:
        return host
    return msgspec.structs.replace(host, builder=name, env={**host.env, BUILDER_VARIABLE: name})
