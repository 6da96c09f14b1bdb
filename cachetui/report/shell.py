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

_SAID = re.compile(r"(?<=^or )put |(?<=older|ldest) image\b")
"""What the first of two ways has said already."""


class Typed(NamedTuple):
    """A command to type, and of which platform its hosts are, where those of another one take
    another; else "". `way` says what it does to hosts where that is not plain: "put the newer image
    on ci-3"; where another one can be typed in its place, "either put …" and "or put …"."""

    text: str
    platform: str = ""
    way: str = ""

    @property
    def heading(self) -> str:
        """What stands above it: "linux/arm64:", "either put the newer image on ci-3:", or ""."""
        told = ", ".join(filter(None, (self.way, self.platform)))
        return f"{told}:" if told else ""


def first_way(commands: Iterable[Typed]) -> tuple[Typed, ...]:
    """Of commands that do the same in several ways, those of the first."""
    every = tuple(commands)
    return tuple(one for one in every if one.way == every[0].way)


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


def choice(commands: Iterable[Typed]) -> str:
    """What they do, in each way: "either put the newer image on 3 hosts or the older on
    ci-3"; "" where that is not told."""
    hosts: dict[str, set[str]] = {}
    for one in commands:
        loop = _LOOP.fullmatch(one.text)
        hosts.setdefault(one.way, set()).update(shlex.split(loop[1]) if loop else [one.text])
    told = ""
    for way, names in hosts.items():
        what, on, _ = way.rpartition(" on ")
        brief = f"{what} on {len(names)} hosts" if on and len(names) > 1 else way
        told += f" {_SAID.sub('', brief)}" if told else brief
    return told
