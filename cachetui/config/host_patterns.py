"""Which hosts `-w` and `-x` name: names, globs, ranges and @tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError, near


def select(
    hosts: Sequence[HostSettings], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[HostSettings, ...]:
    """The hosts that `-w` patterns name (all without any), less those of `-x`, in their order.

    A pattern is a comma list of names, globs, ranges (`ci-[1-12]`, `ci-[01-12,20]`) and @tags.
    Raises ConfigError for one that names no host.
    """
    wanted = {host.name for host in hosts}
    if include:
        wanted = set().union(*(_matching(hosts, pattern) for pattern in include))
    for pattern in exclude:
        wanted -= _matching(hosts, pattern)
    if hosts and not wanted:
        raise ConfigError("no hosts are left: -x excludes every host that -w selects")
    return tuple(host for host in hosts if host.name in wanted)


def _matching(hosts: Sequence[HostSettings], pattern: str) -> set[str]:
    """The names of the hosts that one comma list selects. Raises ConfigError."""
    names = [host.name for host in hosts]
    selected: set[str] = set()
    parts = [part for text in _COMMA.split(pattern) if (part := text.strip())]
    if not parts:
        raise ConfigError(f"{pattern!r} names no host; expected names, globs, ranges or @tags")
    for part in parts:
        if part.startswith("@"):
            selected |= _tagged(hosts, part[1:])
            continue
        for glob in _ranges(part):
            matching = {name for name in names if fnmatchcase(name, glob)}
            if not matching:
                raise ConfigError(f'no host is named "{glob}"; {near(glob, names)}')
            selected |= matching
    return selected


def _tagged(hosts: Sequence[HostSettings], tag: str) -> set[str]:
    tagged = {host.name for host in hosts if tag in host.tags}
    if not tagged:
        tags = sorted({tag for host in hosts for tag in host.tags})
        hint = near(tag, tags) if tags else "no host has any"
        raise ConfigError(f"no host has the tag @{tag}; {hint}")
    return tagged


_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma that is not within brackets."""

_RANGE = re.compile(r"\[(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\]")


def _ranges(part: str) -> list[str]:
    """The names of `ci-[1-3,7]`; a bracket without numbers is left to globbing."""
    bracket = _RANGE.search(part)
    if bracket is None:
        return [part]
    before, after = part[: bracket.start()], part[bracket.end() :]
    names: list[str] = []
    for span in bracket[1].split(","):
        low, _, high = span.partition("-")
        numbers = range(int(low), int(high or low) + 1)
        if not numbers or len(numbers) > 10_000:
            raise ConfigError(f'"{part}": [{span}] is not a range of at most 10000 hosts')
        width = len(low) if low.startswith("0") else 0
        for number in numbers:
            names += _ranges(f"{before}{number:0{width}d}{after}")
    return names
