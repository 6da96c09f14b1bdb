"""Words that rules and experiments share: an instruction or a list of names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.compare.groups import fold
from cachetui.dockerfile.instruction import Instruction


def describe(instruction: Instruction, limit: int = 60) -> str:
    """ "line 7: RUN npm ci": an instruction's line and its text, cut to `limit` characters."""
    words = instruction.text.split()
    text = " ".join(["ONBUILD", *words] if instruction.is_trigger else words)
    return f"line {instruction.line}: {text if len(text) <= limit else text[: limit - 1] + '…'}"


MOST_NAMES = 4
"""Hosts that a sentence names one by one."""


def host_names(hosts: Sequence[str]) -> str:
    """ "a, b and c"; more than `MOST_NAMES` folded: "ci-[1-12], build-3"."""
    return join_names(hosts) if len(hosts) <= MOST_NAMES else fold(hosts)


def join_names(names: Sequence[str], limit: int = 4) -> str:
    """ "a, b and c"; "a, b, c, d and 12 more" above `limit` + 1 names; "none" without any."""
    if len(names) > limit + 1:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
