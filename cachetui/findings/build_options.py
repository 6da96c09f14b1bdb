"""The build's own options (`docker_args`), as names and values."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

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


def option_text(name: str, args: Sequence[str]) -> str:
    """ "--ulimit nofile=9", with each value as it was given; "no --ulimit" where it is not among
    them. docker_args hold no value that is to be hidden (`docker_args.with_named_parts`)."""
    given = [option for option in options(args) if f"--{option.name}" == name]
    values = ["" if one.name in SWITCHES and one.on else one.value for one in given]
    return " and ".join(f"{name} {value}".strip() for value in values) or f"no {name}"


def forbids_cache(args: Sequence[str]) -> bool:
    """Whether the build looks up nothing: --no-cache is among the options, and the last one is on;
    or --no-cache-filter with no stage, which is the same to BuildKit (our lab: 26.1, 28.5)."""
    return _is_on("no-cache", args) or uncached_stages(args) == {""}


def uncached_stages(args: Sequence[str]) -> frozenset[str]:
    """The stages that --no-cache-filter names, in lower case; {""} where it names none. BuildKit
    compares names alone, in any case and with their spaces: a number, or the `stage-1` of its
    output, is none (our lab: 26.1, 28.5, 28.5 with the containerd store)."""
    values = build_options(args).get("--no-cache-filter", ())
    return frozenset(",".join(values).lower().split(",")) if values else frozenset()


def names_no_stage(args: Sequence[str], stages: Collection[str]) -> str | None:
    """A sentence that --no-cache-filter names what is no stage of the Dockerfile, which docker
    builds without a word; `stages` are the names that there are, in lower case."""
    unknown = sorted(uncached_stages(args) - {*stages, ""})
    if not unknown:
        return None
    known = ", ".join(sorted(stages)) or "none has a name"
    return (
        f"--no-cache-filter: no stage is called {' or '.join(map(repr, unknown))}, so docker "
        f"ignores it (stages: {known}; it takes no stage numbers)"
    )


def pulls_always(args: Sequence[str]) -> bool:
    """Whether --pull is: base images are then those of the registry, whatever the host has."""
    return _is_on("pull", args)


def _is_on(name: str, args: Sequence[str]) -> bool:
    given = [option for option in options(args) if option.name == name]
    return bool(given) and given[-1].on
