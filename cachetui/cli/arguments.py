"""What the command line asks for: which hosts, and which build with which options over it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from cachetui.config.host_patterns import select
from cachetui.config.settings import BuildSettings, HostSettings, Settings, folder_build
from cachetui.config.toml_table import ConfigError


def hosts(
    settings: Settings, include: Sequence[str], exclude: Sequence[str]
) -> tuple[HostSettings, ...]:
    """The hosts that -w and -x leave. Raises `ConfigError`."""
    return tuple(select(settings.hosts, include, exclude))


def build(settings: Settings, word: str, given: dict[str, Any]) -> BuildSettings:
    """The build that BUILD names, with the options of the command line put over it.

    Raises `ConfigError`.
    """
    if word in settings.builds:
        named = settings.builds[word]
    elif Path(word).expanduser().is_dir():
        named = folder_build(Path(word))
    else:
        known = ", ".join(settings.builds) or "none"
        raise ConfigError(f"BUILD {word!r} is neither a folder nor one of [builds] ({known})")
    changes: dict[str, Any] = {}
    if given["dockerfile"]:
        changes["dockerfile"] = _dockerfile(given["dockerfile"], named.context)
    if given["target"]:
        changes["target"] = given["target"]
    if given["network"]:
        changes["network"] = given["network"]
    if given["build_args"]:
        changes["build_args"] = {**named.build_args, **_arguments(given["build_args"])}
    return msgspec.structs.replace(named, **changes)


def _dockerfile(word: str, context: Path) -> str:
    """As docker reads -f: from the current folder; else, if it is only there, from the context."""
    here = Path(word).expanduser()
    if here.exists() or not (context / here).exists():
        return str(here.absolute())
    return word


def _arguments(words: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, or NAME alone for its value in the environment, as docker takes them."""
    arguments: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise ConfigError(f"--build-arg {word!r}: NAME=VALUE is right, or NAME alone")
        if equals:
            arguments[name] = value
        elif name in os.environ:
            arguments[name] = os.environ[name]
    return arguments


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """NAME=VALUE words in order; one name may have several values."""
    return [pair for word in words for pair in _arguments([word]).items()]
