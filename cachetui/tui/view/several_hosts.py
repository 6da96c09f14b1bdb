"""One text for a value that several hosts have: the same, a range, or that it is mixed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

_Number = TypeVar("_Number", int, float)


def ranged(values: Sequence[_Number], shown: Callable[[_Number], str]) -> str:
    """A number of all hosts: "3", or "1 to 8"; "" without any."""
    texts = [shown(pick(values)) for pick in (min, max)] if values else []
    return " to ".join(dict.fromkeys(texts))


def mixed(texts: Sequence[str], what: str) -> str:
    """A text that is the same for all hosts, or that they are mixed."""
    return texts[0] if len(set(texts)) == 1 else f"mixed {what}"
