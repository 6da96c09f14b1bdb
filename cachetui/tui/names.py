"""The names of the places; no more, for the first frame is drawn before Textual is loaded."""

from __future__ import annotations

from collections.abc import Sequence

PLACE_NAMES = ("Fleet", "Compare", "Step", "Timeline", "Mounts", "History", "Outputs", "Findings")
"""In the order of their numbers. One that is called X is class XPlace in screens/x.py; its keys
stand in a table of `keys`, and in `keys.TOGETHER` and `keys.TITLES`."""


def labels(names: Sequence[str], here: int, width: int) -> list[str]:
    """The row of places in `width` cells: all by name, closer together, or all but the one at
    `here` by number alone."""
    full = [f" {number} {name} " for number, name in enumerate(names, start=1)]
    for way in (full, [text[1:] for text in full]):
        if sum(map(len, way)) <= width:
            return way
    return [text if n == here else f" {n + 1} " for n, text in enumerate(full)]
