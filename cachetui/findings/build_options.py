"""The build's own options (`docker_args`), as names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cachetui.builders.docker_args import options
from cachetui.builders.option_names import SWITCHES


def build_options(args: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Option → its values, "" for a switch. An --add-host has its name alone: the address is in no
    key."""
    values: dict[str, tuple[str, ...]] = {}
    for option in options(args):
        value = option.value
        if option.name in SWITCHES:
            value = "" if option.on else "false"
        if option.name == "add-host":
            value = re.split("[:=]", value)[0]
        name = f"--{option.name}"
        values[name] = (*values.get(name, ()), value)
    return values


def option_text(option: str, options: Mapping[str, tuple[str, ...]]) -> str:
    """ "--ulimit nofile=9", "no --ulimit" where it is not among the options."""
    if option not in options:
        return f"no {option}"
    return " and ".join(f"{option} {value}".strip() for value in options[option])


def forbids_cache(args: Sequence[str]) -> bool:
    """Whether --no-cache is among the options, and the last one is on."""
    return _is_on("no-cache", args)


def pulls_always(args: Sequence[str]) -> bool:
    """Whether --pull is: base images are then those of the registry, whatever the host has."""
    return _is_on("pull", args)


def _is_on(name: str, args: Sequence[str]) -> bool:
    given = [option for option in options(args) if option.name == name]
    return bool(given) and given[-1].on
