"""A line of `docker history` without what may be a secret: an image's steps, to be compared.

What an image was made by holds the values of build arguments and environment, and the commands of
builds that are none of ours. So a RUN is kept as a digest of its command (keyed, see
`records.digest`), an ENV by its names, the arguments before a RUN as another digest; LABEL, CMD and
the like as they are. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachetui.dockerfile.instruction import Instruction
from cachetui.records.digest import ValueHasher
from cachetui.records.hidden import HIDDEN, hides

_NOP = re.compile(
    r"(?:\S+(?: -[a-z]+(?: pipefail)?)* )?#\(nop\)\s+(?P<keyword>[A-Z]+)\s?(?P<rest>.*)", re.DOTALL
)
_ARGS = re.compile(
    r"\|(?P<count>\d+) (?P<args>.*?) (?P<command>(?:/\S+|\w+sh)(?: -[a-z]+(?: pipefail)?)* -c .*)",
    re.DOTALL,
)
_SHELL = re.compile(r"\S+(?: -[a-z]+(?: pipefail)?)*? -c ")
_MARK = "\1"
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


def is_step(
    made: Made,
    item: Instruction,
    hasher: ValueHasher | None = None,
    given: Mapping[str, str] | None = None,
) -> bool:
    """Whether a line of history is this instruction, as far as its text says: of COPY and ADD only
    where to, of ENV only the names, for a value may be a secret and is not read. `hasher` is for
    lines that were kept; False where it does not read their digests. Where the value of a build
    argument was taken out of one, the instruction has to have that value, by its digest in
    `given`, or the argument's name, there."""
    if made.keyword != item.keyword:
        return False
    if item.keyword == "RUN":
        command = " ".join(item.args)
        if item.json:  # history has it as it has the shell form
            command = _SHELL.sub("", command, count=1)
        command = _one_spaced(command)
        return made.rest == command if hasher is None else bool(hasher.matches(command, made.rest))
    if item.keyword in ("COPY", "ADD"):
        return made.rest == (item.dest or "").strip()
    if item.keyword == "ENV":
        return made.rest.split() == list(item.args[0::3])
    own, there = _words(item.rest), _words(made.rest)
    return own == there or (hasher is not None and _fit(there, own, hasher, given or {}))


def _fit(
    made: Sequence[str], own: Sequence[str], hasher: ValueHasher, given: Mapping[str, str]
) -> bool:
    """Whether the words are the same with hidden values put in."""
    left = list(own)
    for word in sorted(made, key=hides):
        fitting = (one for one in left if one == word or _fits(word, one, hasher, given))
        found = next(fitting, None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _fits(made: str, own: str, hasher: ValueHasher, given: Mapping[str, str]) -> bool:
    texts = HIDDEN.split(made)
    kinds, names = texts[1::3], texts[2::3]
    pattern = "(.*)".join(map(re.escape, texts[0::3]))
    values = re.fullmatch(pattern, own, re.DOTALL)
    if values is None or set(kinds) - {"build-arg"}:
        return False
    return all(
        value in (f"${name}", f"${{{name}}}")
        or (name in given and bool(hasher.matches(value, given[name])))
        for name, value in zip(names, values.groups(), strict=True)
    )


def _words(text: str) -> list[str]:
    """The words without quotes and brackets; a hidden value's own stay."""
    parts = HIDDEN.split(text)
    marks = [f"[{kind}\0{name}]" for kind, name in zip(parts[1::3], parts[2::3], strict=True)]
    marked = _MARK.join(parts[0::3])
    plain = re.sub(r"[,\[\]]", " ", re.sub(r"[\"']", "", marked))
    for mark in marks:
        plain = plain.replace(_MARK, mark, 1)
    return sorted(word.replace("\0", " ") for word in plain.split())
