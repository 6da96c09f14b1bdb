"""Commands that are to be pasted, in lines of a terminal's width. Cleaned text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from cachetui.report import cells

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+|\S""")
"""A word of a shell, quoted parts whole."""

_LOOP = re.compile(r"for h in (.+?); do (.+); done")
"""A command on several hosts (`findings.host_commands`)."""

_FEW = 2
"""Hosts of a loop that are named where there is no room for all."""


class Typed(NamedTuple):
    """A command to type, and of which platform its hosts are, where those of another one take
    another; else "". `way` says what it does where another one is to be typed in its place."""

    text: str
    platform: str = ""
    way: str = ""

    @property
    def heading(self) -> str:
        """What stands above it: "linux/arm64:", "either their image here:", or ""."""
        told = ", ".join(filter(None, (self.way, self.platform)))
        return f"{told}:" if told else ""


def first_way(commands: Iterable[Typed]) -> tuple[Typed, ...]:
    """Of commands that do the same in several ways, those of the first, without its name."""
    every = tuple(commands)
    return tuple(one._replace(way="") for one in every if one.way == every[0].way)


def several_ways(commands: Iterable[Typed]) -> bool:
    """Whether these do the same in several ways, of which one is to be typed."""
    return len({one.way for one in commands}) > 1


def typed_lines(commands: Iterable[Typed]) -> list[str]:
    """The commands, each below its heading where it has one."""
    return [text for one in commands for text in (one.heading, one.text) if text]


def to_paste(command: str, width: int, indent: str) -> list[str]:
    r"""The command in lines of `width` cells, broken between words with a `\`: as a whole, shells
    take it as it was. A word that is wider than a line stands in one of its own."""
    if cells.width(indent + command) <= width:
        return [indent + command]
    lines, begin = list[str](), indent
    for word in _WORD.findall(command):
        if lines and cells.width(f"{lines[-1]} {word}") <= width - len(" \\"):
            lines[-1] += f" {word}"
        else:
            lines.append(begin + word)
            begin = f"{indent}  "
    return [*(f"{line} \\" for line in lines[:-1]), *lines[-1:]]


def in_short(command: Typed) -> tuple[str, str]:
    """A loop as (on which hosts, what is done on each): ("7× linux/arm64: ", "ssh HOST id").
    Anything else as (on which platform, the command). To be read, not to be pasted."""
    loop = _LOOP.fullmatch(command.text)
    if loop is None:
        return (f"{command.heading} " if command.heading else ""), command.text
    hosts = shlex.split(loop[1])
    whom = f"{len(hosts)}× {command.platform}" if command.platform else f"{len(hosts)} hosts"
    whom = ", ".join(hosts) if len(hosts) <= _FEW else whom
    each = loop[2].replace('"$h"', "HOST").replace('"ssh://$h"', "ssh://HOST")
    return f"{whom}: ", each
