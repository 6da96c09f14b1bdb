"""A table of any number of rows that draws only what is in view.

Columns have fixed widths that share the room there is; those that find none are left out at the
right and said so in the heading, so that nothing is cut without a mark. Cells are asked for when
they are drawn, so a fleet of hundreds that changes ten times a second costs what is in view.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.tui import keys
from cachetui.tui.text import Line, fit, line
from cachetui.tui.widgets.canvas import Canvas
from cachetui.tui.widgets.columns import GAP, MORE, Column, lay_out

CellSource = Callable[[Hashable, Hashable, int], Line]
HeadingSource = Callable[[Hashable, int], Line | None]


class Grid(Canvas):
    """Rows and columns with a cursor on a row or on a cell.

    `cell(row, column, width)` says what a cell shows; `heading(row, width)` a line over the
    whole width for rows that only head others. Keys of rows and columns are the owner's.
    """

    BINDINGS: ClassVar = keys.GRID
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--heading",
        "grid--cursor",
        "grid--row",
        "grid--blurred",
    }
    DEFAULT_CSS = """
    Grid {
        & > .grid--heading { text-style: bold; color: $text-primary; }
        & > .grid--cursor { background: $primary 45%; text-style: bold; }
        & > .grid--row { background: $primary 18%; }
        & > .grid--blurred { background: $foreground 12%; }
    }
    """

    class Told(Message):
        """Something happened to a row and a column."""

        def __init__(self, grid: Grid, row: Hashable, column: Hashable) -> None:
            super().__init__()
            self.grid = grid
            self.row = row
            self.column = column

        @property
        def control(self) -> Grid:
            return self.grid

    class Opened(Told):
        """Enter, or a second click, on a row or cell."""

    class Moved(Told):
        """The cursor stands elsewhere."""

    class HeadingClicked(Told):
        """A click on a column's heading; `row` is None."""

    def __init__(
        self,
        *,
        cell: CellSource,
        heading: HeadingSource | None = None,
        fixed: int = 1,
        cells: bool = False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._cell = cell
        self._heading = heading or (lambda *_: None)
        self._fixed = fixed
        self._cells = cells
        self.columns: tuple[Column, ...] = ()
        self.rows: Sequence[Hashable] = ()
        self.row = 0
        self.column = 0
        self.empty: tuple[Line, ...] = ()
        self._first = fixed
        self._layout: list[tuple[int, int]] = []
        self._layout_for: tuple[object, ...] = ()

    # What is shown

    def show(self, rows: Sequence[Hashable], columns: tuple[Column, ...] | None = None) -> None:
        """Show these rows (and columns). The cursor stays on the row and column it was on."""
        at = self.cursor
        if columns is not None and columns != self.columns:
            self.columns = columns
            if at is not None:
                keys_now = [column.key for column in columns]
                self.column = keys_now.index(at[1]) if at[1] in keys_now else self.column
            self.column = min(self.column, max(0, len(columns) - 1))
        if rows != self.rows:
            self.rows = rows
            if at is not None and not (self.row < len(rows) and rows[self.row] == at[0]):
                try:
                    self.row = list(rows).index(at[0])
                except ValueError:
                    self.row = min(self.row, max(0, len(rows) - 1))
        self._size_virtual()
        self._settle()
        self.refresh()
        now = self.cursor
        if now != at and now is not None:
            self.post_message(self.Moved(self, *now))

    @property
    def cursor(self) -> tuple[Hashable, Hashable] | None:
        """The keys of the row and the column that the cursor stands on."""
        if self.row >= len(self.rows) or self.column >= len(self.columns):
            return None
        return self.rows[self.row], self.columns[self.column].key

    @property
    def heading_height(self) -> int:
        return max((len(column.titles) for column in self.columns), default=0)

    def _size_virtual(self) -> None:
        lines = len(self.rows) if self.rows else len(self.empty)
        self.virtual_size = Size(self.room, lines + self.heading_height)

    def on_resize(self) -> None:
        self._size_virtual()
        self._settle()
        self._reveal()

    # The cursor

    def _selectable(self, row: int) -> bool:
        return self._heading(self.rows[row], 0) is None

    def _settle(self) -> None:
        """Keep the cursor off rows that are headings."""
        if not self.rows:
            self.row = 0
            return
        self.row = min(max(0, self.row), len(self.rows) - 1)
        if not self._selectable(self.row):
            below = range(self.row + 1, len(self.rows))
            above = range(self.row - 1, -1, -1)
            self.row = next((r for r in (*below, *above) if self._selectable(r)), self.row)

    def move_to(self, row: int | None = None, column: int | None = None) -> None:
        """Put the cursor there, as near as there is a row, and bring it into view."""
        was = self.cursor
        if row is not None and self.rows:
            down = row >= self.row
            row = min(max(0, row), len(self.rows) - 1)
            below, above = range(row, len(self.rows)), range(row, -1, -1)
            ways = (*below, *above) if down else (*above, *below)
            self.row = next((at for at in ways if self._selectable(at)), self.row)
        if column is not None and self.columns:
            self.column = min(max(0, column), len(self.columns) - 1)
        self._settle()
        self._reveal()
        self.refresh()
        now = self.cursor
        if now is not None and now != was:
            self.post_message(self.Moved(self, *now))

    def move_to_key(self, row: Hashable, column: Hashable | None = None) -> bool:
        """Put the cursor on the row (and column) of these keys; whether they are there."""
        try:
            index = list(self.rows).index(row)
        except ValueError:
            return False
        names = [entry.key for entry in self.columns]
        self.move_to(index, names.index(column) if column in names else None)
        return True

    def _reveal(self) -> None:
        room = self.size.height - self.heading_height
        if room <= 0:
            return
        top = self.scroll_offset.y
        above = self.row
        while above > 0 and not self._selectable(above - 1):
            above -= 1
        if above < top:
            self.scroll_to(y=above, animate=False)
        elif self.row >= top + room:
            self.scroll_to(y=self.row - room + 1, animate=False)
        if self.column >= self._fixed:
            if self.column < self._first:
                self._first = self.column
            while self.column not in {index for index, _ in self._places()} and (
                self._first < self.column
            ):
                self._first += 1

    def action_move(self, rows: int, columns: int = 0) -> None:
        """Move the cursor by rows and columns; where there is no cell cursor, columns scroll."""
        if columns and not self._cells:
            last = len(self.columns) - 1
            self._first = min(max(self._fixed, self._first + columns), max(self._fixed, last))
            self.refresh()
            return
        self.move_to(self.row + rows if rows else None, self.column + columns if columns else None)

    def action_page(self, pages: float) -> None:
        """Move by pages of what is in view."""
        room = max(1, self.size.height - self.heading_height)
        self.move_to(self.row + round(room * pages))

    def action_edge(self, end: bool) -> None:
        """Move to the first or last row."""
        self.move_to(len(self.rows) - 1 if end else 0)

    def action_open(self) -> None:
        """Tell that the row or cell was chosen."""
        if self.cursor is not None:
            self.post_message(self.Opened(self, *self.cursor))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        column = self._column_at(at.x)
        if at.y < self.heading_height:
            if column is not None:
                self.post_message(self.HeadingClicked(self, None, self.columns[column].key))
            return
        row = self.scroll_offset.y + at.y - self.heading_height
        if row >= len(self.rows) or not self._selectable(row):
            return
        again = row == self.row and (not self._cells or column in (None, self.column))
        self.move_to(row, column if self._cells else None)
        if again and event.chain > 1:
            self.action_open()

    def _column_at(self, x: int) -> int | None:
        left = 0
        for index, width in self._places():
            if left <= x < left + width:
                return index
            left += width + GAP
        return None

    # Drawing

    def _places(self) -> list[tuple[int, int]]:
        """(index of the column, width) of those that find room, from left to right."""
        asked = (self.columns, self.room, self._first)
        if asked != self._layout_for:
            self._layout = lay_out(self.columns, self.room, self._fixed, self._first)
            self._layout_for = asked
        return self._layout

    def place_of(self, column: Hashable) -> tuple[int, int]:
        """Where a column begins and how wide it is; (0, 0) when it is not in view."""
        left = 0
        for index, width in self._places():
            if self.columns[index].key == column:
                return left, width
            left += width + GAP
        return 0, 0

    def render_line(self, y: int) -> Strip:
        width = self.room
        places = self._places()
        if y < self.heading_height:
            return self._draw_heading(y, places, width)
        row = self.scroll_offset.y + y - self.heading_height
        if row >= len(self.rows):
            if not self.rows and row < len(self.empty):
                return self.paint(self.empty[row], width)
            return self.paint((), width)
        key = self.rows[row]
        heading = self._heading(key, width)
        if heading is not None:
            return self.paint(heading, width)
        return self._draw_row(row, key, places, width)

    def _draw_heading(self, y: int, places: list[tuple[int, int]], width: int) -> Strip:
        spans: list[Line] = []
        for index, column_width in places:
            column = self.columns[index]
            spans.append(
                fit(
                    line(column.titles[y] if y < len(column.titles) else ""),
                    column_width,
                    column.align,
                )
            )
            spans.append(line(" " * GAP))
        text = line(*spans[:-1])
        hidden = places and places[-1][0] < len(self.columns) - 1
        style = self.rich_style + self.get_component_rich_style("grid--heading", partial=True)
        if y == self.heading_height - 1 and hidden:
            more = f"+{len(self.columns) - 1 - places[-1][0]}›"
            text = line(*fit(text, width - MORE), (f"{more:>{MORE}}", "warn"))
        return self.paint(text, width, style)

    def _draw_row(
        self, row: int, key: Hashable, places: list[tuple[int, int]], width: int
    ) -> Strip:
        base = self.rich_style
        here = row == self.row
        name = "grid--row" if self.has_focus else "grid--blurred"
        row_style = self.get_component_rich_style(name, partial=True) if here else Style.null()
        row_style = self._over(base, name) if here else base
        cell_style = row_style
        if here and self._cells and self.has_focus:
            cell_style = self._over(base, "grid--cursor")
        elif here and self.has_focus and not self._cells:
            row_style = cell_style = self._over(base, "grid--cursor")
        strips: list[Strip] = []
        used = 0
        for number, (index, column_width) in enumerate(places):
            if number:
                strips.append(self.paint((), GAP, row_style))
                used += GAP
            column = self.columns[index]
            spans = fit(self._cell(key, column.key, column_width), column_width, column.align)
            style = cell_style if self._cells and index == self.column else row_style
            strips.append(self.paint(spans, column_width, style))
            used += column_width
        strips.append(self.paint((), width - used, row_style))
        return Strip.join(strips)

    def _over(self, base: Style, name: str) -> Style:
        return base + self.get_component_rich_style(name)
