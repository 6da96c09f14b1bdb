"""What a command line selects: hosts, and a build with the options put over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cachetui.audit.limits import failed
from cachetui.cli.args import RunArgs
from cachetui.cli.which_build import chosen_target
from cachetui.config.bake_target import build_found, with_source
from cachetui.config.build_files import names_file
from cachetui.config.builder_choice import problem_of_name, with_builder
from cachetui.config.context_source import (
    fetched_kind,
    from_folder,
    name_of,
    why_not_fetched,
    without_credentials,
)
from cachetui.config.host_patterns import select
from cachetui.config.settings import BuildSettings, HostSettings, Settings, folder_build
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core
from cachetui.store.database import Store

LAST_AUDIT = ("failed", "unreachable")
"""Tags that hosts have from the last audit, unless hosts.toml has tags of these names."""


def select_audit(
    core: Core, build: str, args: RunArgs, include: Sequence[str], exclude: Sequence[str]
) -> tuple[BuildSettings, tuple[HostSettings, ...]]:
    """The build and the hosts that a command line names: see `select_build` and `select_hosts`.
    Raises `ConfigError`."""
    settings = select_build(core.settings, build, args)
    return settings, select_hosts(core.settings, include, exclude, lambda: core.store)


def select_hosts(
    settings: Settings,
    include: Sequence[str],
    exclude: Sequence[str],
    store: Callable[[], Store],
) -> tuple[HostSettings, ...]:
    """The hosts that -w and -x leave; the store is opened where @failed or @unreachable asks for
    the last audit. Raises `ConfigError`."""
    hosts = settings.hosts
    own = {tag for host in hosts for tag in host.tags}
    words = {word.strip() for text in (*include, *exclude) for word in text.split(",")}
    asked = [tag for tag in LAST_AUDIT if f"@{tag}" in words and tag not in own]
    if asked:
        hosts = _with_tags_of_last_audit(hosts, asked, store())
    names = {host.name for host in select(hosts, include, exclude)}
    return tuple(host for host in settings.hosts if host.name in names)


def _with_tags_of_last_audit(
    hosts: Sequence[HostSettings], asked: Sequence[str], store: Store
) -> tuple[HostSettings, ...]:
    """The hosts with "failed" and "unreachable" among their tags where the last audit says so."""
    last = store.last_built()
    document = store.audit(last.audit) if last else None
    if document is None:
        raise ConfigError(f"@{asked[0]} asks for the last audit, and there is none in the store")
    tags: dict[str, list[str]] = {}
    for report in document.hosts:
        runs = [run for run in document.runs if run.host == report.name]
        states = {"failed": failed(report, runs), "unreachable": report.status == "unreachable"}
        tags[report.name] = [tag for tag, holds in states.items() if holds]
    for tag in asked:
        if not any(tag in tags.get(host.name, ()) for host in hosts):
            raise ConfigError(
                f"@{tag}: no host of hosts.toml {_WAS[tag]} in the last audit ({document.audit})"
            )
    return tuple(
        msgspec.structs.replace(host, tags=(*host.tags, *tags.get(host.name, ()))) for host in hosts
    )


_WAS = {"failed": "failed", "unreachable": "was unreachable"}


def select_build(settings: Settings, name: str, args: RunArgs) -> BuildSettings:
    """The build that BUILD names, a name of [builds], a folder, or `FILE#TARGET` of a bake or
    compose file, with the options put over it.

    Raises `ConfigError`.
    """
    if name in settings.builds:
        build = with_source(settings.builds[name], chosen_target)
    elif Path(name).expanduser().is_dir():
        build = folder_build(Path(name))
    elif fetched_kind(name) is not None:
        build = _fetched_build(name)
    elif names_file(name):
        build = build_found(chosen_target(name))
    else:
        known = ", ".join(settings.builds) or "none"
        raise ConfigError(
            f"BUILD {name!r} is neither a folder, bake or compose file, git URL or tarball, nor a "
            f"build of hosts.toml; builds there: {known}"
        )
    changes: dict[str, Any] = {}
    if args.dockerfile:
        fetched = build.fetched_from is not None
        file = args.dockerfile
        changes["dockerfile"] = file if fetched else _dockerfile(file, build.context)
        changes["dockerfile_inline"] = None
    if args.target:
        changes["target"] = args.target
    if args.network:
        changes["network"] = args.network
    if args.builder:
        changes["builder"] = _builder(args.builder)
    if args.docker_args:
        changes["docker_args"] = (*build.docker_args, *args.docker_args)
    if args.build_args:
        changes["build_args"] = {**build.build_args, **dict(parse_build_args(args.build_args))}
    return msgspec.structs.replace(build, **changes)


def _fetched_build(context: str) -> BuildSettings:
    """The build of a context that is no folder. Raises `ConfigError`."""
    reason = why_not_fetched(context)
    if reason:
        raise ConfigError(f"BUILD {without_credentials(context)!r} {reason}")
    here = Path.cwd()
    name = name_of(context)
    return BuildSettings(name=name, context=here, fetched_from=from_folder(context, here))


def on_builder(hosts: Sequence[HostSettings], name: str | None) -> list[HostSettings]:
    """The hosts with the builder of that name, None: each with its own. Raises `ConfigError`."""
    chosen = name and _builder(name)
    return [with_builder(host, chosen) for host in hosts]


def _builder(name: str) -> str:
    problem = problem_of_name(name)
    if problem:
        raise ConfigError(f"--builder {problem}")
    return name


def _dockerfile(path: str, context: Path) -> str:
    """As docker reads -f: from the current folder; from the context if it is only there."""
    if path == "-" or "://" in path:
        return path  # for one sentence on both, wherever they were given
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
