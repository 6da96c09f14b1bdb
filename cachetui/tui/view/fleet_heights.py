"""How Fleet shares a screen's lines among its parts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FRAME = 3
"""Lines of a place's title, its row of places and its foot."""

TINY, SHORT, USUAL = 15, 22, 24
"""Screens that are lower show a table alone, below it only a line or two of facts, or a cause less
above it."""

_FACTS, _BRIEF_FACTS = 6, 4
_MOST_WHY, _LEAST_WHY = 10, 5
_LEAST_STEPS = 5
_LEAST_BESIDE = 3
"""Lines of why below the matrix where causes above it say what to type."""


@dataclass(frozen=True, slots=True)
class Heights:
    """Lines of the parts, rules between them included; 0 hides a part."""

    matrix: int
    facts: int
    why: int
    steps: int


def share(height: int, above: int, matrix: int, *, explained: bool, told: bool = False) -> Heights:
    """The parts of a screen `height` lines high, of which `above` stand above the matrix, which
    would like to have `matrix`. The parts fill the screen. `explained` says that there are
    findings to show below, `told` that the causes above say what to type."""
    room = max(1, height - FRAME - above)
    if height < TINY:
        return Heights(room, 0, 0, 0)
    least = 3 if height < SHORT else _BRIEF_FACTS + _LEAST_WHY if explained else _FACTS
    if told and explained:
        least = min(least, 3 + _LEAST_BESIDE)
    below = min(max(room - matrix, least), max(0, room - 3))
    facts = min(below, _FACTS if below >= _FACTS + _MOST_WHY or not explained else _BRIEF_FACTS)
    left = below - facts
    why = min(left, _MOST_WHY) if explained else 0
    steps = left - why
    if steps < _LEAST_STEPS:
        why, steps = (why + steps if explained else 0), 0
    return Heights(room - facts - why - steps, facts, why, steps)


def causes_above(height: int) -> int:
    """How many causes stand above the matrix on a screen this high, two lines each."""
    return 0 if height < TINY else 1 if height < SHORT else 3 if height < USUAL else 4
