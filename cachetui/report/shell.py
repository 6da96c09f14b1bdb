"""Commands that are to be pasted, in lines of a terminal's width. Cleaned text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cachetui.report import cells

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+|\S""")
"""A word of a shell, quoted parts whole."""


LONG_COMMANDS = 400
"""Characters of commands above which a page folds them: a loop over more than some 40 hosts."""


class Typed(NamedTuple):
    """A command to type, and of which platform its hosts are, where those of another one take
    another; else "". `way` says what it does to hosts where that is not plain: "put the newer image
    on ci-3"; where another one can be typed in its place, "either put …" and "or put …", or what
    decides: "if the build needs the newer image, put it on ci-3". `told` says that the command
    before it has the same way."""

    text: str
    platform: str = ""
    way: str = ""
    told: bool = False

    @property
    def heading(self) -> str:
        """What stands above it: "linux/arm64:", "either put the newer image on ci-3:", or ""."""
        told = ", ".join(filter(None, (self.way if not self.told else "", self.platform)))
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
