"""The names of the places, without Textual: the first frame is drawn before it is loaded."""

from __future__ import annotations

from collections.abc import Sequence

PLACE_NAMES = (
    "Fleet",
    "Compare",
    "Step",
    "Timeline",
    "Mounts",
    "History",
    "Outputs",
    "Findings",
    "Share",
)
"""In the order of their numbers. A place called X is class XPlace in screens/x.py; its keys are a
table in `keys`, listed in `key_tables.ACTIVE_TOGETHER` and `key_tables.TITLES`."""


def labels(names: Sequence[str], here: int, width: int) -> list[str]:
    """The row of places in `width` cells: every name; else every name closer and closer together;
    else the name of the one at `here`, and numbers for the others."""
    closest = [f"{number}{name} " for number, name in enumerate(names, start=1)]
    full = [f" {number} {name} " for number, name in enumerate(names, start=1)]
    for texts in (full, [text[1:] for text in full], closest):
        if sum(map(len, texts)) <= width:
            return texts
    return [text if n == here else f" {n + 1} " for n, text in enumerate(full)]
