"""A line of `docker history` without what may be a secret: an image's steps, to be compared.

What an image was made by holds the values of build arguments and environment, and the commands of
builds that are none of ours. So a RUN is kept as a digest of its command (keyed, see
`records.digest`), an ENV by its names, the arguments before a RUN as another digest; LABEL, CMD and
the like as they are. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cachetui.dockerfile.instruction import Instruction
from cachetui.records.digest import ValueHasher

_NOP = re.compile(
    r"(?:\S+(?: -[a-z]+(?: pipefail)?)* )?#\(nop\)\s+(?P<keyword>[A-Z]+)\s?(?P<rest>.*)", re.DOTALL
)
_ARGS = re.compile(
    r"\|(?P<count>\d+) (?P<args>.*?) (?P<command>(?:/\S+|\w+sh)(?: -[a-z]+(?: pipefail)?)* -c .*)",
    re.DOTALL,
)
_SHELL = re.compile(r"\S+(?: -[a-z]+(?: pipefail)?)*? -c ")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


@dataclass(frozen=True, slots=True)
class Made:
    """A step as history tells it. `rest` is what follows the keyword; of a RUN its command, of an
    ENV the names, of COPY and ADD where to. `args` are the build arguments of a RUN. In a line that
    is kept, a RUN's command and arguments are digests."""

    keyword: str
    rest: str
    args: str | None = None

    @property
    def text(self) -> str:
        return f"{self.keyword} {self.rest}".strip()


def read(made_by: str) -> Made:
    """A line as `docker history` has it."""
    text = made_by.strip()
    nop = _NOP.fullmatch(text)
    if nop is not None:
        return Made(nop["keyword"], _rest(nop["keyword"], nop["rest"].strip()))
    arguments = _ARGS.fullmatch(text)
    if arguments is not None:
        text = arguments["command"]
    command = _one_spaced(_SHELL.sub("", text, count=1))
    return Made("RUN", command, arguments["args"] if arguments is not None else None)


def kept(made_by: str, hasher: ValueHasher) -> str:
    """The line as it may be kept: what `parse` reads."""
    made = read(made_by)
    if made.keyword != "RUN":
        return made.text
    args = f" args={hasher.digest(made.args)}" if made.args is not None else ""
    return f"RUN {hasher.digest(made.rest)}{args}"


def parse(line: str) -> Made:
    """What `kept` made of a line."""
    keyword, _, rest = line.partition(" ")
    if keyword == "RUN":
        command, _, args = rest.partition(" args=")
        return Made("RUN", command, args or None)
    return Made(keyword, rest)


def _rest(keyword: str, rest: str) -> str:
    if keyword == "ENV":
        return " ".join(_NAME.findall(rest))
    if keyword in ("COPY", "ADD"):
        return rest.rpartition(" in ")[2].strip()
    return rest


def _one_spaced(command: str) -> str:
    """A RUN's command by its words."""
    return " ".join(command.split())


def is_step(made: Made, item: Instruction, hasher: ValueHasher | None = None) -> bool:
    """Whether a line of history is this instruction, as far as its text says: of COPY and ADD only
    where to, of ENV only the names, for a value may be a secret and is not read. `hasher` is for
    lines that were kept; False where it does not read their digests."""
    if made.keyword != item.keyword:
        return False
    if item.keyword == "RUN":
        command = _one_spaced(" ".join(item.args))
        return made.rest == command if hasher is None else bool(hasher.matches(command, made.rest))
    if item.keyword in ("COPY", "ADD"):
        return made.rest == (item.dest or "").strip()
    if item.keyword == "ENV":
        return made.rest.split() == list(item.args[0::3])
    return _words(made.rest) == _words(item.rest)


def _words(text: str) -> list[str]:
    return sorted(re.sub(r"[\"',\[\]]", " ", text).split())
