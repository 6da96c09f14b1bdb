"""The build's own options (`docker_args`), as names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence


def build_options(args: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Option → its values. An --add-host has its name alone: the address is in no key."""
    options: dict[str, tuple[str, ...]] = {}
    for number, argument in enumerate(args):
        if not argument.startswith("--"):
            continue
        option, equals, value = argument.partition("=")
        following = args[number + 1] if number + 1 < len(args) else ""
        if not equals and not following.startswith("-"):
            value = following
        if option == "--add-host":
            value = re.split("[:=]", value)[0]
        options[option] = (*options.get(option, ()), value)
    return options


def forbids_cache(args: Sequence[str]) -> bool:
    """Whether --no-cache is among the options, and the last one is on."""
    flags = [argument for argument in args if argument.partition("=")[0] == "--no-cache"]
    return bool(flags) and flags[-1] not in ("--no-cache=false", "--no-cache=0")
