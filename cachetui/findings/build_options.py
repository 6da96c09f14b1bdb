"""The build's own options (`docker_args`), as names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

FLAGS = frozenset(
    {"--pull", "--no-cache", "--rm", "--force-rm", "--compress", "--squash", "--load"}
)
"""Options whose value never is the next word."""

_OFF = ("false", "0")


def build_options(args: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Option → its values. An --add-host has its name alone: the address is in no key."""
    options: dict[str, tuple[str, ...]] = {}
    for number, argument in enumerate(args):
        if not argument.startswith("--"):
            continue
        option, equals, value = argument.partition("=")
        following = args[number + 1] if number + 1 < len(args) else ""
        if not equals and option not in FLAGS and not following.startswith("-"):
            value = following
        if option == "--add-host":
            value = re.split("[:=]", value)[0]
        options[option] = (*options.get(option, ()), value)
    return options


def option_text(option: str, options: Mapping[str, tuple[str, ...]]) -> str:
    """ "--ulimit nofile=9", "no --ulimit" where it is not among the options."""
    if option not in options:
        return f"no {option}"
    return " and ".join(f"{option} {value}".strip() for value in options[option])


def forbids_cache(args: Sequence[str]) -> bool:
    """Whether --no-cache is among the options, and the last one is on."""
    return _is_on("--no-cache", args)


def pulls_always(args: Sequence[str]) -> bool:
    """Whether --pull is: base images are then those of the registry, whatever the host has."""
    return _is_on("--pull", args)


def _is_on(flag: str, args: Sequence[str]) -> bool:
    given = [argument for argument in args if argument.partition("=")[0] == flag]
    return bool(given) and given[-1].partition("=")[2] not in _OFF
