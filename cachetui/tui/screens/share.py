"""Share: what each kind of shared cache keeps, step by step, on the hosts that imported it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.records.scenario import UNSHARED
from cachetui.tui.screens.open_runs import open_commands, open_compare
from cachetui.tui.screens.place import Place
from cachetui.tui.screens.stop_and_rerun import stop
from cachetui.tui.view import keys
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.shared_table import NO_SHARE, Here, SharedTable
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel


class SharePlace(Place):
    """The experiment that is open, or under way."""

    PLACE = "share"
    ENTER = "Compare"
    BINDINGS: ClassVar = keys.SHARE
    CSS_PATH = "share.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._table = SharedTable()
        self._cursor_set_for: str | None = None

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="verdict")
        yield Grid(cell=self._cell, heading=self._table.heading, cells=True, id="kept")
        yield TextPanel(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def on_resize(self) -> None:
        self.refresh_place()

    def update_place(self) -> None:
        session = self.session
        snapshot = session.snapshot
        self._table.show(session.current())
        width = self.size.width - 2
        most = 2 if self.size.height < 15 else 6 if self.size.height < 30 else 10
        verdict = self._table.verdict(snapshot, session.explained.findings, width, most)
        if session.error is not None:
            verdict.insert(0, line(("✗ ", "bad"), str(session.error)))
        shared = self._table.document is not None
        self.query_one("#verdict", TextPanel).show(*(verdict if shared else ()))
        grid = self.query_one(Grid)
        grid.empty = (line(("Nothing is imported yet.", "muted")),) if shared else NO_SHARE
        rows = self._table.rows
        grid.show(rows, self._table.columns(self.size.width) if rows else ())
        if snapshot is not None and self._table.rows and self._cursor_set_for != snapshot.audit:
            self._cursor_set_for = snapshot.audit
            first = next((row for row in self._table.rows if self._table.here((row, ""))), None)
            if first is not None:
                grid.move_to_key(first, "")
        self._show_facts()

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        return self._table.cell(key, column, width)

    @property
    def _here(self) -> Here | None:
        return self._table.here(self.query_one(Grid).cursor)

    @on(Grid.Moved, "#kept")
    def _show_facts(self) -> None:
        lines = self._table.facts(self.query_one(Grid).cursor, self.size.width - 2)
        self.query_one("#facts", TextPanel).show(*lines)

    @on(Grid.Opened, "#kept")
    def _opened(self) -> None:
        here, document = self._here, self._table.document
        if here is None or document is None:
            return
        picks = [
            Pick(document.audit, here.host, scenario)
            for scenario in dict.fromkeys((UNSHARED.name, here.scenario))
        ]
        ended = [pick for pick in picks if self.session.run(pick) is not None]
        open_compare(self.typed_app, ended, here.step)

    def action_commands(self) -> None:
        """Show the commands of the build under the cursor."""
        here, document = self._here, self._table.document
        if here is not None and document is not None:
            open_commands(self.typed_app, Pick(document.audit, here.host, here.scenario))

    def action_stop(self) -> None:
        """Stop the experiment, after a question."""
        stop(self.typed_app, (), self.refresh_place)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "stop":
            return self.session.running
        if action == "commands":
            return self._table.document is not None
        return True

    def copy_text(self) -> str | None:
        at = self.query_one(Grid).cursor
        if at is None:
            return None
        return "".join(text for text, _ in self._table.cell(at[0], at[1], 1000)) or None
