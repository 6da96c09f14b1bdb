"""What stands in kept text where the value of a build argument or of a host's environment stood."""

from __future__ import annotations

import re
from typing import Literal

HIDDEN = re.compile(r"\[(build-arg|env) ([^\]\s]+)\]")
"""Its groups are the kind and the name."""


def placeholder(kind: Literal["build-arg", "env"], name: str) -> str:
    return f"[{kind} {name}]"


def hides(text: str) -> bool:
    """Whether a value was taken out of it, so that it is not the text that was there."""
    return HIDDEN.search(text) is not None


def hidden(text: str) -> tuple[tuple[str, str], ...]:
    """Kind and name of each value that was taken out of it, in order."""
    return tuple(HIDDEN.findall(text))
