"""Commands that are to be pasted, in lines of a terminal's width. Cleaned text."""

from __future__ import annotations

import re

from cachetui.report import cells

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+|\S""")
"""A word of a shell, quoted parts whole."""

NAMES = re.compile(r"(?<=\bfor h in )(.+?)(?=; do )")
"""The hosts of a loop (`findings.host_commands`)."""

_FIRST = 2
"""Hosts of a loop that are named where there is no room for all."""


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


def in_short(command: str) -> str:
    """The command with the first hosts of its loop, and how many there are: to be read, not to be
    pasted."""
    return NAMES.sub(_few, command, count=1)


def _few(names: re.Match[str]) -> str:
    hosts = names[0].split()
    if len(hosts) <= _FIRST:
        return names[0]
    return f"{' '.join(hosts[:_FIRST])} … ({len(hosts)} hosts)"
