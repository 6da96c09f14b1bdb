"""Which columns of a grid are in view, and how wide each is. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column

GAP = 1
"""Cells between columns."""


class ColumnWindow:
    """The columns in view: the first `fixed` ones, then those from number `first` on, as many as
    fit into `room` cells."""

    def __init__(self, fixed: int) -> None:
        self.columns: tuple[Column, ...] = ()
        self.room = 0
        self.first = fixed
        self._fixed = fixed
        self._places: list[tuple[int, int]] = []
        self._places_for: tuple[object, ...] = ()

    def places(self) -> list[tuple[int, int]]:
        """(index of the column, width in cells) of those in view, from left to right."""
        state = (self.columns, self.room, self.first)
        if state != self._places_for:
            self._places = lay_out(self.columns, self.room, self._fixed, self.first)
            self._places_for = state
        return self._places

    @property
    def hidden(self) -> int:
        """How many columns do not fit at the right."""
        places = self.places()
        return len(self.columns) - 1 - places[-1][0] if places else 0

    def place_of(self, key: Hashable) -> tuple[int, int]:
        """Where a column begins and how wide it is; (0, 0) when it is not in view."""
        left = 0
        for index, width in self.places():
            if self.columns[index].key == key:
                return left, width
            left += width + GAP
        return 0, 0

    def column_at(self, x: int) -> int | None:
        """The index of the column at a cell; None between and beyond columns."""
        left = 0
        for index, width in self.places():
            if left <= x < left + width:
                return index
            left += width + GAP
        return None

    def reveal(self, index: int) -> None:
        """Scroll until this column is in view."""
        if index < self._fixed:
            return
        self.first = min(self.first, index)
        while self.first < index and index not in {shown for shown, _ in self.places()}:
            self.first += 1

    def scroll(self, by: int) -> None:
        """Scroll by columns, as far as there are any."""
        last = max(self._fixed, len(self.columns) - 1)
        self.first = min(max(self._fixed, self.first + by), last)


def lay_out(columns: Sequence[Column], room: int, fixed: int, first: int) -> list[tuple[int, int]]:
    """(index of the column, width in cells) of the columns that fit into `room` cells: the first
    `fixed` ones, then those from `first` on. When some do not fit, room is kept for a sign."""
    order = [*range(min(fixed, len(columns))), *range(max(first, fixed), len(columns))]
    shown = _fitting(columns, order, room)
    if shown and shown[-1] < len(columns) - 1:
        room -= MORE_SIGN_WIDTH
        shown = _fitting(columns, order, room)
    widths = {index: min(columns[index].min_width, room) for index in shown}
    spare = room - sum(widths.values()) - GAP * (len(shown) - 1)
    wishes = {i: (columns[i].grow, columns[i].max_width - widths[i]) for i in shown}
    for index, more in _shared(spare, wishes).items():
        widths[index] += more
    return [(index, widths[index]) for index in shown]


def _fitting(columns: Sequence[Column], order: list[int], room: int) -> list[int]:
    """The first columns that fit at their least width; always at least one."""
    shown: list[int] = []
    used = 0
    for index in order:
        width = columns[index].min_width + (GAP if shown else 0)
        if used + width > room and shown:
            break
        shown.append(index)
        used += width
    return shown


def _shared(spare: int, wishes: dict[int, tuple[int, int]]) -> dict[int, int]:
    """Spare cells by column, shared by weight (the first of each pair) up to a limit (the second).
    What cannot be shared fairly stays free, so that equal columns get equal widths."""
    shares = dict.fromkeys(wishes, 0)
    while spare > 0:
        open_ = {i: w for i, (w, limit) in wishes.items() if w and shares[i] < limit}
        if not open_:
            break
        weight = sum(open_.values())
        portion = {i: spare * w // weight for i, w in open_.items()}
        if not any(portion.values()):
            break
        for i, more in portion.items():
            more = min(more, wishes[i][1] - shares[i])
            shares[i] += more
            spare -= more
    return shares
