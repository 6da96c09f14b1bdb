"""What a command line selects: hosts, and a build with the options put over it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from cachetui.cli.args import RunArgs
from cachetui.config.host_patterns import select
from cachetui.config.settings import BuildSettings, HostSettings, Settings, folder_build
from cachetui.config.toml_table import ConfigError


def select_hosts(
    settings: Settings, include: Sequence[str], exclude: Sequence[str]
) -> tuple[HostSettings, ...]:
    """The hosts that -w and -x leave. Raises `ConfigError`."""
    return tuple(select(settings.hosts, include, exclude))


def select_build(settings: Settings, name: str, args: RunArgs) -> BuildSettings:
    """The build that BUILD names, a name of [builds] or a folder, with the options put over it.

    Raises `ConfigError`.
    """
    if name in settings.builds:
        build = settings.builds[name]
    elif Path(name).expanduser().is_dir():
        build = folder_build(Path(name))
    else:
        known = ", ".join(settings.builds) or "none"
        raise ConfigError(f"BUILD {name!r} is neither a folder nor one of [builds] ({known})")
    changes: dict[str, Any] = {}
    if args.dockerfile:
        changes["dockerfile"] = _dockerfile(args.dockerfile, build.context)
    if args.target:
        changes["target"] = args.target
    if args.network:
        changes["network"] = args.network
    if args.build_args:
        changes["build_args"] = {**build.build_args, **dict(parse_build_args(args.build_args))}
    return msgspec.structs.replace(build, **changes)


def _dockerfile(path: str, context: Path) -> str:
    """As docker reads -f: from the current folder; from the context if it is only there."""
    here = Path(path).expanduser()
    if here.exists() or not (context / here).exists():
        return str(here.absolute())
    return path


def parse_build_args(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """(name, value) of each NAME=VALUE, in order; NAME alone takes its value from the environment,
    and is left out where it has none, as docker does. Raises `ConfigError`."""
    pairs: list[tuple[str, str]] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not name:
            raise ConfigError(f"--build-arg {argument!r}: expected NAME=VALUE or NAME")
        if equals:
            pairs.append((name, value))
        elif name in os.environ:
            pairs.append((name, os.environ[name]))
    return pairs
