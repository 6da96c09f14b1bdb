"""Options of a build with which no audit of it is made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cachetui.builders.docker_args import (
    Option,
    options,
    refused_argument,
    refused_context,
)
from cachetui.config.settings import BuildSettings


def refused_options(
    build: BuildSettings, given: Sequence[str], stages: Collection[str], *, peeks: bool
) -> str | None:
    """Why its options of docker build are refused, None where they are not.

    `given` are those of before `docker_args.with_named_parts`, `stages` the names of the
    Dockerfile's stages. A peek (`peeks`) refuses what empties cache mounts too.
    """
    refused = refused_argument(build.docker_args) or refused_context(given, stages)
    if refused is not None:
        words, reason = refused
        return f"options of {build.name}: {words} is not passed on: {reason}"
    if not peeks:
        return None
    for option in options(given):
        if _empties_mounts(option):
            return (
                f"{build.name} builds with --{option.name}, which empties cache mounts: peek "
                "without it"
            )
    return None


def _empties_mounts(option: Option) -> bool:
    """Whether BuildKit empties the cache mounts of RUN steps with this option."""
    return option.name == "no-cache-filter" or (option.name == "no-cache" and option.on)
