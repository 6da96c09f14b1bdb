"""A table of any number of rows that draws only what is in view.

Columns share the width there is. Those that do not fit are left out at the right and counted in
the heading, so nothing is cut without a sign. Cells are asked for when they are drawn, so a fleet
of hundreds of hosts that changes ten times a second costs no more than what is in view.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.report.cells import clip_names
from cachetui.tui.view import keys
from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column
from cachetui.tui.view.text import Line, fit, line
from cachetui.tui.widgets.canvas import Canvas
from cachetui.tui.widgets.column_layout import GAP, ColumnWindow

CellSource = Callable[[Hashable, Hashable, int], Line]
HeadingSource = Callable[[Hashable, int], Line | None]


class Grid(Canvas):
    """Rows and columns with a cursor on a row, or with `cells` on a cell.

    `cell(row, column, width)` returns what a cell shows; `heading(row, width)` the line over the
    whole width of a row that only heads others, None for other rows. Keys of rows and columns are
    the owner's. The first `fixed` columns stay in view when the others are scrolled.
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

    class CellMessage(Message):
        """The base of messages about a row and a column."""

        def __init__(self, grid: Grid, row: Hashable, column: Hashable) -> None:
            super().__init__()
            self.grid = grid
            self.row = row
            self.column = column

        @property
        def control(self) -> Grid:
            return self.grid

    class Opened(CellMessage):
        """The user pressed enter on a row or cell, or clicked it twice."""

    class Moved(CellMessage):
        """The cursor moved to another row or cell."""

    class HeadingClicked(CellMessage):
        """The user clicked the heading of a column; `row` is None."""

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
        self._cells = cells
        self._window = ColumnWindow(fixed)
        self.rows: Sequence[Hashable] = ()
        self.row = 0
        self.column = 0
        self.empty: tuple[Line, ...] = ()

    # What is shown

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, also those that are not in view."""
        return self._window.columns

    def show(self, rows: Sequence[Hashable], columns: tuple[Column, ...] | None = None) -> None:
        """Show these rows (and columns). The cursor stays on its row and column if they exist."""
        at = self.cursor
        if columns is not None and columns != self.columns:
            self._window.columns = columns
            if at is not None:
                keys_now = [column.key for column in columns]
                self.column = keys_now.index(at[1]) if at[1] in keys_now else self.column
            self.column = min(self.column, max(0, len(columns) - 1))
        if rows != self.rows:
            if bool(rows) != bool(self.rows):
                self.call_later(self.refresh_bindings)  # the keys that need a row
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
        """The keys of the row and the column under the cursor; None when there are no rows."""
        if self.row >= len(self.rows) or self.column >= len(self.columns):
            return None
        return self.rows[self.row], self.columns[self.column].key

    @property
    def heading_height(self) -> int:
        """Lines of the columns' headings."""
        return max((len(column.titles) for column in self.columns), default=0)

    def out_of_view(self, row: Hashable) -> int:
        """-1 or 1 for a row above or below those in view, else 0; 0 also where it is not shown."""
        if row not in self.rows:
            return 0
        at, top = list(self.rows).index(row), self.scroll_offset.y
        return -(at < top) or int(at >= top + max(1, self.size.height - self.heading_height))

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
        """Keep the cursor within the rows, and off headings."""
        if not self.rows:
            self.row = 0
            return
        self.row = self._nearest(min(max(0, self.row), len(self.rows) - 1), down=True)

    def _nearest(self, row: int, *, down: bool) -> int:
        """The nearest row that is no heading: at `row`, beyond it, or else before it."""
        below, above = range(row, len(self.rows)), range(row, -1, -1)
        rows = (*below, *above) if down else (*above, *below)
        return next((number for number in rows if self._selectable(number)), self.row)

    def move_to(self, row: int | None = None, column: int | None = None) -> None:
        """Put the cursor there, or as near as possible, and scroll it into view."""
        was = self.cursor
        if row is not None and self.rows:
            down = row >= self.row
            self.row = self._nearest(min(max(0, row), len(self.rows) - 1), down=down)
        if column is not None and self.columns:
            self.column = min(max(0, column), len(self.columns) - 1)
        self._settle()
        self._reveal()
        self.refresh()
        now = self.cursor
        if now is not None and now != was:
            self.post_message(self.Moved(self, *now))

    def move_to_key(self, row: Hashable, column: Hashable | None = None) -> bool:
        """Put the cursor on the row (and column) of these keys. Returns whether the row exists."""
        try:
            index = list(self.rows).index(row)
        except ValueError:
            return False
        names = [entry.key for entry in self.columns]
        self.move_to(index, names.index(column) if column in names else None)
        return True

    def move_to_next(self, keys: Collection[Hashable], by: int) -> bool:
        """Move down (`by` > 0) or up to the next row with one of these keys; wraps around.
        Returns whether there is one."""
        numbers = [number for number, key in enumerate(self.rows) if key in keys]
        if not numbers:
            return False
        if by > 0:
            self.move_to(next((n for n in numbers if n > self.row), numbers[0]))
        else:
            self.move_to(next((n for n in reversed(numbers) if n < self.row), numbers[-1]))
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
        self._in_view.reveal(self.column)

    def action_move(self, rows: int, columns: int = 0) -> None:
        """Move the cursor by rows and columns; a row cursor scrolls the columns instead."""
        if columns and not self._cells:
            self._window.scroll(columns)
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action != "open" or bool(self.rows)

    def action_open(self) -> None:
        """Open the row or cell under the cursor."""
        if self.cursor is not None:
            self.post_message(self.Opened(self, *self.cursor))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        column = self._in_view.column_at(at.x)
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

    # Drawing

    @property
    def _in_view(self) -> ColumnWindow:
        self._window.room = self.room
        return self._window

    def place_of(self, column: Hashable) -> tuple[int, int]:
        """Where a column begins and how wide it is; (0, 0) when it is not in view."""
        return self._in_view.place_of(column)

    def render_line(self, y: int) -> Strip:
        width = self.room
        if y < self.heading_height:
            return self._draw_heading(y, width)
        row = self.scroll_offset.y + y - self.heading_height
        if row >= len(self.rows):
            if not self.rows and row < len(self.empty):
                return self.paint(self.empty[row], width)
            return self.paint((), width)
        key = self.rows[row]
        heading = self._heading(key, width)
        if heading is not None:
            return self.paint(heading, width)
        return self._draw_row(row, key, width)

    def _draw_heading(self, y: int, width: int) -> Strip:
        spans: list[Line] = []
        for index, column_width in self._in_view.places():
            column = self.columns[index]
            title = column.titles[y] if y < len(column.titles) else ""
            title = clip_names(title, column_width)
            spans += [fit(line(title), column_width, column.align), line(" " * GAP)]
        text = line(*spans[:-1])
        style = self.rich_style + self.get_component_rich_style("grid--heading", partial=True)
        hidden = self._in_view.hidden
        if y == self.heading_height - 1 and hidden:
            sign = f"{f'+{hidden}›':>{MORE_SIGN_WIDTH}}"
            text = line(*fit(text, width - MORE_SIGN_WIDTH), (sign, "warn"))
        return self.paint(text, width, style)

    def _draw_row(self, row: int, key: Hashable, width: int) -> Strip:
        row_style, cell_style = self._row_styles(row == self.row)
        strips: list[Strip] = []
        used = 0
        for number, (index, column_width) in enumerate(self._in_view.places()):
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

    def _row_styles(self, here: bool) -> tuple[Style, Style]:
        """The styles of a row and of its cell under the cursor; `here` is the cursor's row."""
        base = self.rich_style
        if not here:
            return base, base
        if not self.has_focus:
            blurred = self._over(base, "grid--blurred")
            return blurred, blurred
        cursor = self._over(base, "grid--cursor")
        return (self._over(base, "grid--row") if self._cells else cursor), cursor

    def _over(self, base: Style, name: str) -> Style:
        return base + self.get_component_rich_style(name)
