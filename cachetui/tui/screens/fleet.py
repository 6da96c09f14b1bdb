"""Fleet: hosts in rows, scenarios in columns, live; the odd one out named above."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widget import Widget

from cachetui.tui.core_port import LoadingCore
from cachetui.tui.screens.fleet_selection import FleetSelection
from cachetui.tui.screens.open_runs import open_commands, open_compare, open_log, open_timeline
from cachetui.tui.screens.place import Place
from cachetui.tui.screens.start_audit import ask_what_to_run
from cachetui.tui.screens.stop_and_rerun import rerun, stop
from cachetui.tui.session import Pick
from cachetui.tui.view import before_audit, keys
from cachetui.tui.view.fleet_rows import GROUP_FROM, HOST
from cachetui.tui.view.fleet_table import FleetTable
from cachetui.tui.view.step_lines import steps_side_by_side
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.filter_box import FilterBox
from cachetui.tui.widgets.frame import KeyBar
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from cachetui.records.document import Document

_FACTS_HEIGHT = 6
"""Lines of the facts under the matrix, with the rule above them, when steps follow."""

_NEEDS_AN_AUDIT = frozenset(
    ("odd", "fold", "mark_all", "mark_column", "rerun", "commands", "live_log", "timeline")
)
"""Actions that are possible only once there is an audit."""


class FleetPlace(Place):
    """The first place of the app."""

    PLACE = "fleet"
    BINDINGS: ClassVar = keys.FLEET
    CSS_PATH = "fleet.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._table = FleetTable()
        self._selection: FleetSelection  # from `on_mount` on
        self._grouped: bool | None = None
        self._filter_words = ""
        self._cursor_set_for = ""
        self._steps_height = 0

    @property
    def ENTER(self) -> str:  # type: ignore[override]
        return "Compare" if self.session.snapshot is not None else ""

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="verdict")
        yield Grid(cell=self._cell, cells=True, id="matrix")
        yield TextPanel(id="facts")
        yield TextPanel(id="steps")

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        self._selection = FleetSelection(self.session, self._table, grid)
        grid.focus()

    # From the session

    def update_place(self) -> None:
        snapshot = self.session.snapshot
        grid = self.query_one(Grid)
        if snapshot is None:
            self._show_hosts(grid)
            return
        self._selection.marks.cells &= {cell.key for cell in snapshot.cells}
        self._table.show_audit(
            snapshot,
            self.session.current(),
            words=self._filter_words,
            grouped=self.grouped,
            tags={host.name: host.tags for host in self.session.hosts},
        )
        no_match = f"No host matches “{self._filter_words}”. esc clears the filter."
        grid.empty = (line((no_match, "muted")),)
        grid.show(list(self._table.rows), self._table.columns(self.size.width))
        verdict = self._table.verdict(self.session.error)
        self.query_one("#verdict", TextPanel).show(*verdict)
        self._share_height(max(1, len(self._table.rows)))
        if snapshot.finished and self._cursor_set_for != snapshot.audit:
            self._cursor_set_for = snapshot.audit
            self._move_to_odd()
        self._show_facts()

    def _show_hosts(self, grid: Grid) -> None:
        """No audit yet: show the configured hosts, and what to do."""
        session = self.session
        self._table.show_hosts(session.hosts)
        loading = isinstance(self.typed_app.core, LoadingCore)
        hint = before_audit.next_step(session.build, len(session.hosts), loading=loading)
        self.query_one("#verdict", TextPanel).show(hint)
        grid.show(list(self._table.rows), self._table.columns(self.size.width))
        audits = self.typed_app.core.store.audits()
        lines = before_audit.build_lines(session.build, audits, self.typed_app.now())
        self.query_one("#facts", TextPanel).show(*lines)

    def _share_height(self, rows: int) -> None:
        """Show steps below the matrix when it leaves room for them."""
        grid = self.query_one(Grid)
        wanted = rows + grid.heading_height
        verdict = len(self.query_one("#verdict", TextPanel).lines) + 1
        left = self.size.height - 4 - verdict - _FACTS_HEIGHT - wanted
        roomy = left >= 4
        self._steps_height = left if roomy else 0
        self.set_class(roomy, "-roomy")
        grid.styles.height = wanted if roomy else "1fr"

    def on_resize(self) -> None:
        self.update_place()

    def _move_to_odd(self) -> None:
        """Put the cursor on the odd one out, once an audit has ended."""
        first = self._table.agreement.first
        if first is not None:
            host = first.sides[-1].hosts[0]
            rows = self._table.rows.values()
            row = next((row.key for row in rows if host in row.hosts), host)
            self.query_one(Grid).move_to_key(row, first.scenario)

    @property
    def grouped(self) -> bool:
        """Whether identical hosts share a row: as the user chose, else when there are many."""
        if self._grouped is not None:
            return self._grouped
        snapshot = self.session.snapshot
        return snapshot is not None and len(snapshot.hosts) >= GROUP_FROM

    def _cell(self, row: Hashable, column: Hashable, width: int) -> Line:
        entry = self._table.rows.get(str(row))
        if entry is None:
            return ()
        marks = self._selection.marks
        marked = marks.hosts if self.session.snapshot is None else marks.cells
        return self._table.cell(entry, str(column), width, marked)

    # What the cursor is on

    @on(Grid.Moved, "#matrix")
    def _show_facts(self) -> None:
        facts, steps = self.query_one("#facts", TextPanel), self.query_one("#steps", TextPanel)
        cursor = self._selection.cursor
        if cursor is None or self.session.snapshot is None:
            facts.show()
            steps.show()
            return
        row, column = cursor
        facts.show(*self._table.facts(row, column, self.size.width - 2))
        steps.show(*self._steps())

    def _steps(self) -> list[Line]:
        """The steps of the run under the cursor beside its peer's, when there is room for them."""
        pick = self._selection.run() if self._steps_height else None
        run = self.session.run(pick) if pick is not None else None
        if pick is None or run is None or not run.steps:
            return []
        peer = self._selection.peer_of(pick)
        other = self.session.run(peer) if peer is not None else None
        runs = [run, other] if other is not None else [run]
        return steps_side_by_side(runs, self.size.width - 2, self._steps_height)

    # Opening runs

    @on(Grid.Opened, "#matrix")
    def _opened(self) -> None:
        snapshot = self.session.snapshot
        if snapshot is None:
            ask_what_to_run(self.typed_app)
            return
        cells = self._selection.cells()
        states = {cell.key: cell.state for cell in snapshot.cells}
        if len(cells) == 1 and states[cells[0]] == "building":
            open_log(self.typed_app, self.session.pick(cells[0]))
            return
        open_compare(self.typed_app, self._selection.runs_to_compare())

    def action_odd(self) -> None:
        """Open the first difference of hosts: the odd run beside one of the majority."""
        first = self._table.agreement.first
        if first is None:
            self.typed_app.tell("No host is the odd one out so far.")
            return
        hosts = first.sides[0].hosts[0], first.sides[1].hosts[0]
        self.query_one(Grid).move_to_key(hosts[1], first.scenario)
        picks = [self.session.pick((host, first.scenario, first.repeat)) for host in hosts]
        open_compare(self.typed_app, picks, first.step)

    def action_live_log(self) -> None:
        """Show the log of the run under the cursor, as far as it is written."""
        pick = self._selection.run()
        if pick is not None:
            open_log(self.typed_app, pick)

    def action_timeline(self) -> None:
        """Show the run under the cursor on a time axis."""
        pick = self._selection.run()
        if pick is not None and self.session.run(pick) is not None:
            peer = self._selection.peer_of(pick)
            open_timeline(self.typed_app, (peer, pick) if peer else (pick,))
        else:
            self.typed_app.tell("It is shown once it has ended.")

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        pick = self._selection.run()
        if pick is not None:
            open_commands(self.typed_app, pick)

    def runs_for_outputs(self) -> tuple[Pick, ...]:
        return self._selection.runs_with_images()

    # Marking, stopping, running again

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
        at = self.query_one(Grid).cursor
        if at is not None:
            self._selection.toggle(self._table.rows.values(), str(at[1]))

    def marked_hosts(self) -> set[str]:
        return self._selection.marks.marked_hosts()

    def marked_scenarios(self) -> set[str]:
        snapshot = self.session.snapshot
        if snapshot is None:
            return set()
        return self._selection.marks.marked_scenarios(snapshot.scenarios)

    def action_stop(self) -> None:
        """Stop the marked hosts, or all after a question."""
        stop(self.typed_app, self.marked_hosts(), self.refresh_place)

    def action_rerun(self) -> None:
        """Run the marked cells again, or all that failed."""
        if rerun(self.typed_app, self._selection.marked()):
            self._selection.marks.cells.clear()
            self.refresh_place()

    # Grouping, sorting, filtering

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

    def action_go_back(self) -> None:
        """Leave the filter, else remove the marks, else leave the place."""
        box = self._filter
        if box is not None and box.display:
            self._filter_words = ""
            box.clear()
            box.display = False
            self.query_one(Grid).focus()
            self.update_place()
        elif self._selection.marks:
            self._selection.marks.clear()
            self.query_one(Grid).refresh()
        else:
            self.typed_app.action_go_back()

    # For the app

    def exported(self) -> Document | None:
        from cachetui.tui.view.excerpt import excerpt_of_hosts

        document = self.session.current()
        if document is None or not self._filter_words:
            return document
        hosts = {host for row in self._table.rows.values() for host in row.hosts}
        return excerpt_of_hosts(document, hosts)

    def copy_text(self) -> str | None:
        cursor = self._selection.cursor
        return " ".join(cursor[0].hosts) if cursor else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "stop":
            return self.session.running
        if action in _NEEDS_AN_AUDIT:
            return self.session.snapshot is not None
        return True
