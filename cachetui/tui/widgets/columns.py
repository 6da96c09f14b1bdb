"""The columns of a grid, and how they share the room there is. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

GAP = 1
"""Cells between columns."""

MORE = 4
"""Cells that the sign of columns out of view takes."""


@dataclass(frozen=True, slots=True)
class Column:
    """`titles` has a line each of the heading; `width` is the least, in cells, `most` the
    greatest; what is left over is shared by `grow`."""

    key: Hashable
    titles: tuple[str, ...]
    width: int
    grow: int = 0
    most: int = 1000
    align: Literal["left", "right"] = "left"


def lay_out(columns: Sequence[Column], room: int, fixed: int, first: int) -> list[tuple[int, int]]:
    """(index of the column, width) of those that find room: the `fixed` ones, then from `first`
    on. Where some find none, room is kept for the sign that says so."""
    order = [*range(min(fixed, len(columns))), *range(max(first, fixed), len(columns))]
    shown = _fitting(columns, order, room)
    if shown and shown[-1] < len(columns) - 1:
        room -= MORE
        shown = _fitting(columns, order, room)
    widths = {index: min(columns[index].width, room) for index in shown}
    spare = room - sum(widths.values()) - GAP * (len(shown) - 1)
    wishes = {i: (columns[i].grow, columns[i].most - widths[i]) for i in shown}
    for index, more in _shared(spare, wishes).items():
        widths[index] += more
    return [(index, widths[index]) for index in shown]


def _fitting(columns: Sequence[Column], order: list[int], room: int) -> list[int]:
    """The first columns that find room at their least width; always one."""
    shown: list[int] = []
    used = 0
    for index in order:
        width = columns[index].width + (GAP if shown else 0)
        if used + width > room and shown:
            break
        shown.append(index)
        used += width
    return shown


def _shared(spare: int, wishes: dict[int, tuple[int, int]]) -> dict[int, int]:
    """Spare cells by column, shared by weight (first of each pair) up to a most (second). What
    cannot be shared fairly stays free, so that like columns are alike."""
    given = dict.fromkeys(wishes, 0)
    while spare > 0:
        open_ = {i: w for i, (w, most) in wishes.items() if w and given[i] < most}
        if not open_:
            break
        weight = sum(open_.values())
        portion = {i: spare * w // weight for i, w in open_.items()}
        if not any(portion.values()):
            break
        for i, more in portion.items():
            more = min(more, wishes[i][1] - given[i])
            given[i] += more
            spare -= more
    return given
