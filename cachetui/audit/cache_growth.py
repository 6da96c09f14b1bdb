"""How much of what BuildKit's cache gained during an audit can be the audit's. Pure.

A record names no build. What its description says of an instruction tells it from ours where our
Dockerfile has none like it (our lab: a RUN is "mount / from exec COMMAND" on all engines, a COPY
"[stage 2/3] COPY a b" from 26.1 on, "fileop target" on 20.10); of the rest nothing tells whose it
is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cachetui.builders.vertices.names import parse_name
from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.hosts.cache_records import CacheRecord

_EXEC = re.compile(r"(?:mount|cached mount) \S+ from exec (?P<command>.*)", re.DOTALL)
_WITH_ID = re.compile(r' with id "(?:[^"\\]|\\.)*"$')
_EMPTIES_MOUNTS = "/cachetui"
"""The command of the builds that empty our cache mounts (`cleanup`)."""


def possible_bytes(
    before: Iterable[CacheRecord], after: Iterable[CacheRecord], ours: Sequence[Instruction]
) -> int:
    """Bytes of the records that came between, and of growth in others, less those that are of none
    of `ours`: as much as our builds can have added."""
    known = {record.id: record.bytes for record in before}
    return sum(
        max(0, record.bytes - known.get(record.id, 0))
        for record in after
        if may_be_of(record.description, ours)
    )


def may_be_of(description: str, ours: Sequence[Instruction]) -> bool:
    """Whether a record that is described so can be of one of these instructions. Of what is no
    instruction's description, nothing tells."""
    executed = _EXEC.fullmatch(description)
    if executed is not None:
        command = _words(_WITH_ID.sub("", executed["command"]))
        runs = [item for item in ours if item.keyword == "RUN"]
        return (
            command == _EMPTIES_MOUNTS
            or any(item.heredocs for item in runs)
            or any(command.endswith(_words(" ".join(item.args))) for item in runs)
        )
    name = parse_name(description)
    if name is None or name.keyword not in BUILDKIT_KEYWORDS:
        return True
    same = [item for item in ours if item.keyword == name.keyword]
    text = _words(name.plain_text).lower()
    return any("$" in item.text or item.heredocs or _words(item.text).lower() == text
               for item in same)  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.split())
