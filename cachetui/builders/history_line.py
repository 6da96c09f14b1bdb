"""A line of `docker history` without what may be a secret: an image's steps, to be compared.

What an image was made by holds the values of build arguments and environment, and the commands of
builds that are none of ours. So a RUN is kept as a digest of its command, an ENV by its names, the
arguments before a RUN as a digest; LABEL, CMD and the like as they are. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cachetui.dockerfile.instruction import Instruction

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
    """A step as history tells it. `rest` is what follows the keyword; of a RUN the digest of its
    command (see `command_digest`), of an ENV the names, of COPY and ADD where to. `args` is a
    digest of the build arguments of a RUN."""

    keyword: str
    rest: str
    args: str | None = None

    @property
    def text(self) -> str:
        return f"{self.keyword} {self.rest}".strip()


def canonical(made_by: str) -> str:
    """The line as it may be kept: what `parse` reads."""
    text = made_by.strip()
    nop = _NOP.fullmatch(text)
    if nop is not None:
        return f"{nop['keyword']} {_kept(nop['keyword'], nop['rest'].strip())}".strip()
    args = ""
    arguments = _ARGS.fullmatch(text)
    if arguments is not None:
        args = f" args={_digest(arguments['args'])}"
        text = arguments["command"]
    return f"RUN {command_digest(_SHELL.sub('', text, count=1))}{args}"


def parse(kept: str) -> Made:
    """What `canonical` made of a line."""
    keyword, _, rest = kept.partition(" ")
    if keyword == "RUN":
        command, _, args = rest.partition(" args=")
        return Made("RUN", command, args or None)
    return Made(keyword, rest)


def command_digest(command: str) -> str:
    """A RUN's command by its words."""
    return _digest(" ".join(command.split()))


def _kept(keyword: str, rest: str) -> str:
    if keyword == "ENV":
        return " ".join(_NAME.findall(rest))
    if keyword in ("COPY", "ADD"):
        return rest.rpartition(" in ")[2].strip()
    return rest


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_step(made: Made, item: Instruction) -> bool:
    """Whether a line of history is this instruction, as far as its text says: of COPY and ADD only
    where to, of ENV only the names, for a value may be a secret and is not read."""
    if made.keyword != item.keyword:
        return False
    if item.keyword == "RUN":
        return made.rest == command_digest(" ".join(item.args))
    if item.keyword in ("COPY", "ADD"):
        return made.rest == (item.dest or "").strip()
    if item.keyword == "ENV":
        return made.rest.split() == list(item.args[0::3])
    return _words(made.rest) == _words(item.rest)


def _words(text: str) -> list[str]:
    return sorted(re.sub(r"[\"',\[\]]", " ", text).split())
