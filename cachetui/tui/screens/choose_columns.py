"""The list of columns that Fleet can show, to turn them on and off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from cachetui.records.scenario import Scenario
from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.view.column import Column
from cachetui.tui.view.fleet_columns import FACTS, ColumnChoice
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

_MEANS = {
    "engine": "version of Docker",
    "store": "where images are kept",
    "buildx": "version of buildx",
    "load": "when the audit began",
    "platform": "what is built for",
}


def choose_columns(app: AppPort, scenarios: Sequence[str], changed: Callable[[], None]) -> None:
    """Ask which columns to show, keep that, and say so where it cannot be kept."""

    def chosen(choice: ColumnChoice | None) -> None:
        if choice is None or choice == app.session.columns:
            return
        app.session.columns = choice
        changed()
        if not app.session.keep_columns(choice):
            app.tell(
                "The columns hold until you leave: app.toml cannot be changed.", severity="warning"
            )

    app.push_screen(ColumnsDialog(app.session.columns, scenarios), chosen)


class ColumnsDialog(Dialog[ColumnChoice]):
    """Facts of hosts and scenarios, which `space` turns on and off; enter shows what is on."""

    HEADING = "Columns"
    BINDINGS: ClassVar = [Binding("space", "switch", "On / off", show=False)]

    def __init__(self, choice: ColumnChoice, scenarios: Sequence[str]) -> None:
        super().__init__()
        self._choice = choice
        self._scenarios = scenarios

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, heading=self._group, id="columns")
        yield TextPanel(
            line(
                ("space", "key"),
                " on/off  ",
                ("enter", "key"),
                " show  ",
                ("esc", "key"),
                " cancel",
            )
        )

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        rows = ["of hosts", *FACTS, "scenarios", *self._scenarios]
        grid.styles.height = max(3, min(len(rows), self.app.size.height - 6))
        grid.show(rows, (Column("what", (), 26, 1, 28), Column("means", (), 20, 2)))
        grid.move_to_key(next(iter(FACTS)))
        grid.focus()

    def _group(self, row: object, width: int) -> Line | None:
        del width
        return ((str(row), "muted"),) if row in ("of hosts", "scenarios") else None

    def _cell(self, row: object, column: object, width: int) -> Line:
        del width
        name = str(row)
        if column == "means":
            return ((_MEANS.get(name) or Scenario.of(name).description, "muted"),)
        on = self._choice.shows(name)
        return line(("[✓]" if on else "[ ]", "good" if on else "muted"), f" {name}")

    def action_switch(self) -> None:
        """Turn the column under the cursor on or off."""
        grid = self.query_one(Grid)
        name = str(grid.cursor[0]) if grid.cursor else ""
        if name in FACTS or name in self._scenarios:
            self._choice = self._choice.toggled(name)
        grid.refresh()

    @on(Grid.Opened)
    def _opened(self) -> None:
        if not any(map(self._choice.shows, (*FACTS, *self._scenarios))):
            self.notify("Turn on at least one column.", markup=False)
            return
        self.dismiss(self._choice)
