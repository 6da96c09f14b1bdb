"""The matrix of Fleet as a base for its screen: marks, groups, order, filter."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from textual import on

from cachetui.tui.screens.fleet_selection import FleetSelection
from cachetui.tui.screens.place import Place
from cachetui.tui.view.fleet_rows import GROUP_FROM, HOST
from cachetui.tui.view.fleet_table import FleetTable
from cachetui.tui.view.text import Line
from cachetui.tui.widgets.filter_box import FilterBox
from cachetui.tui.widgets.frame import KeyBar
from cachetui.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from cachetui.records.document import Document


class FleetMatrix(Place):
    """A place with the matrix of hosts and scenarios, `#matrix`; its subclass composes and fills
    it in `update_place`."""

    def __init__(self) -> None:
        super().__init__()
        self._table = FleetTable()
        self._selection: FleetSelection  # from `on_mount` on
        self._grouped: bool | None = None
        self._filter_words = ""
        self._marked_only = False

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        self._selection = FleetSelection(self.session, self._table, grid)
        grid.focus()

    @property
    def grouped(self) -> bool:
        """Whether identical hosts share a row: as the user chose, else when there are many."""
        if self._grouped is not None:
            return self._grouped
        snapshot = self.session.snapshot
        return snapshot is not None and len(snapshot.hosts) >= GROUP_FROM

    def where_trouble(self) -> str:
        """Which way the cursor leads to the first of them, where none is in view."""
        grid = self.query_one(Grid)
        ways = [grid.out_of_view(row) for row in self._table.in_trouble()]
        return {-1: "further up", 1: "further down"}.get(ways[0], "") if ways and all(ways) else ""

    def _cell(self, row: Hashable, column: Hashable, width: int) -> Line:
        entry = self._table.rows.get(str(row))
        if entry is None:
            return ()
        marks = self._selection.marks
        marked = marks.hosts if self.session.snapshot is None else marks.cells
        return self._table.cell(entry, str(column), width, marked)

    # Marking

    def action_mark(self) -> None:
        """Mark or unmark what the cursor is on, and go down."""
        if self._selection.cursor is None:
            return
        row, column = self._selection.cursor
        if self.session.snapshot is None:
            self._selection.marks.toggle_host(row.key)
        self._selection.toggle([row], column)
        grid = self.query_one(Grid)
        grid.move_to(grid.row + 1)

    def action_mark_all(self) -> None:
        """Mark every cell in view; unmark them when all are marked."""
        self._selection.toggle(self._table.rows.values(), HOST)

    def action_mark_column(self) -> None:
        """Mark the scenario under the cursor on every host in view; unmark when all are marked."""
        at = self._selection.cursor
        if at is not None:
            self._selection.toggle(self._table.rows.values(), at[1])

    def action_marked_only(self) -> None:
        """Show only hosts with a mark, or all again."""
        if not self._selection.marks:
            self.typed_app.tell("No host is marked: space marks one.")
            return
        self._marked_only = not self._marked_only
        self.update_place()

    def marked_hosts(self) -> set[str]:
        return self._selection.marks.marked_hosts()

    def marked_scenarios(self) -> set[str]:
        snapshot = self.session.snapshot
        if snapshot is None:
            return set()
        return self._selection.marks.marked_scenarios(snapshot.scenarios)

    # Columns, grouping, sorting, filtering

    def action_columns(self) -> None:
        """Choose which facts of hosts and which scenarios have columns."""
        from cachetui.tui.screens.choose_columns import choose_columns

        choose_columns(self.typed_app, self._table.scenarios, self.refresh_place)

    def action_fold(self) -> None:
        """Group identical hosts into one row, or show each host."""
        self._grouped = not self.grouped
        self.update_place()

    def action_sort(self) -> None:
        """Sort by the column under the cursor; again: backwards; again: as it was."""
        at = self.query_one(Grid).cursor
        if at is not None:
            self._sort_by(str(at[1]))

    @on(Grid.HeadingClicked, "#matrix")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        self._sort_by(str(event.column))

    def _sort_by(self, column: str) -> None:
        self._table.order = self._table.order.after(column)
        self.refresh_place()

    @property
    def _filter(self) -> FilterBox | None:
        boxes = self.query(FilterBox)
        return boxes.first() if boxes else None

    async def action_filter(self) -> None:
        """Show the filter. It is made when it is first used, so the app starts sooner."""
        box = self._filter
        if box is None:
            box = FilterBox()
            await self.mount(box, before=self.query_one(KeyBar))
        box.display = True
        box.focus_input()
        self.update_place()

    @on(FilterBox.Changed)
    def _filter_changed(self, event: FilterBox.Changed) -> None:
        self._filter_words = event.words
        self.update_place()

    @on(FilterBox.Submitted)
    def _filter_submitted(self) -> None:
        box = self._filter
        if box is not None:
            box.display = bool(self._filter_words)
        self.query_one(Grid).focus()
        self.update_place()

    def action_go_back(self) -> None:
        """Leave the filter, else remove the marks; this place is the last one."""
        box = self._filter
        if box is not None and box.display:
            self._filter_words = ""
            box.clear()
            box.display = False
            self.query_one(Grid).focus()
            self.update_place()
        elif self._selection.marks:
            self._selection.marks.clear()
            self._marked_only = False
            self.update_place()
            self.query_one(Grid).refresh()

    # For the app

    def exported(self) -> Document | None:
        from cachetui.tui.view.excerpt import excerpt_of_hosts

        document = self.session.current()
        if document is None or not self._filter_words:
            return document
        hosts = {host for row in self._table.rows.values() for host in row.hosts}
        return excerpt_of_hosts(document, hosts)

    def copy_text(self) -> str | None:
        """What mends all causes that are shown; the hosts where the cursor is on their names, or
        there is nothing to type."""
        cursor = self._selection.cursor
        if cursor is not None and cursor[1] != HOST:
            text = self._table.to_copy(self.session.explained.findings)
            if text:
                return text
        return " ".join(cursor[0].hosts) if cursor else None
