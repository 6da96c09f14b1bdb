"""Values of an instruction's flags as a builder reads them: two writings of one are equal.

Read in BuildKit's `frontend/dockerfile/instructions/parse.go` (HEALTHCHECK), `dockerfile2llb`
(mode) and `client/llb/fileop.go` (owner); measured on all engines of our lab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from cachetui.builders.option_values import bytes_of

_UNITS = {
    "ns": Decimal(1),
    "us": Decimal(1000),
    "\u00b5s": Decimal(1000),
    "\u03bcs": Decimal(1000),
    "ms": Decimal(1_000_000),
    "s": Decimal(1_000_000_000),
    "m": Decimal(60_000_000_000),
    "h": Decimal(3_600_000_000_000),
}
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "amd64/v1": "amd64",
    "aarch64": "arm64",
    "arm64/v8": "arm64",
    "arm64/8": "arm64",
    "i386": "386",
    "armhf": "arm/v7",
    "arm": "arm/v7",
    "armel": "arm/v6",
}
_PART = re.compile(rf"(\d+\.?\d*|\.\d+)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")
_NUMBER = re.compile(r"[+-]?\d+")


def healthcheck_value(name: str, text: str) -> str:
    """A flag of HEALTHCHECK: a duration in nanoseconds, a number without zeros before it; else as
    it is."""
    if name == "retries":
        return number(text)
    sign, rest = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if rest == "0":
        return "0"
    parts = _PART.findall(rest)
    if not parts or "".join(a + b for a, b in parts) != rest:
        return text
    total = int(sum(Decimal(figure) * _UNITS[unit] for figure, unit in parts))
    return str(-total if sign == "-" else total)


def number(text: str) -> str:
    """A number without sign and zeros before it; else as it is."""
    return str(int(text)) if _NUMBER.fullmatch(text) else text


def size(text: str) -> str:
    """A size in bytes: `1m`, `1mb` and `1MiB` are 1048576; else as it is."""
    read = bytes_of(text.strip())
    return text if read is None else str(read)


def option_value(option: str, text: str) -> str:
    """An option of docker build as its client reads it: a size in bytes, both limits of --ulimit
    (docker's `opts`, units.ParseUlimit)."""
    if option == "--shm-size":
        return size(text)
    if option == "--ulimit":
        name, equals, limits = text.partition("=")
        soft, both, hard = limits.partition(":")
        return f"{name}{equals}{number(soft)}:{number(hard if both else soft)}"
    return text


def option_values(option: str, values: Sequence[str]) -> tuple[str, ...]:
    """What counts of an option that may be given several times: the last, or the last of each
    limit in the order of their names (docker's `opts`, UlimitOpt); of --add-host the names."""
    read = tuple(option_value(option, value) for value in values)
    if option in ("--shm-size", "--cgroup-parent"):
        return read[-1:]
    if option == "--ulimit":
        last = {value.partition("=")[0]: value for value in read}
        return tuple(last[name] for name in sorted(last))
    return tuple(sorted(read)) if option == "--add-host" else read


def platform(text: str, own: str) -> str:
    """A platform by the one name that it has for engines (containerd's `platforms`, Normalize);
    `own` is the engine's, of which a system or an architecture alone takes the rest."""
    system, slash, architecture = text.strip().lower().partition("/")
    own_system, _, own_architecture = own.partition("/")
    if not slash:
        if system == own_system:
            return own
        system, architecture = own_system, system
    return f"{system}/{_ARCHITECTURES.get(architecture, architecture) or own_architecture}"


def mode(text: str) -> str:
    """A file's mode without zeros before it; else as it is."""
    return oct(int(text, 8)) if re.fullmatch(r"[0-7]+", text) else text


def owner(text: str) -> str:
    """`user:group` as BuildKit reads it: root is 0, by whichever name."""
    return ":".join("0" if part == "root" else number(part) for part in text.split(":"))
