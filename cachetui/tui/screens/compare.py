"""Compare: runs side by side, step by step, each compared with the baseline."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.align import Row
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.tui.screens.open_runs import open_commands, open_step, open_timeline
from cachetui.tui.screens.place import Place
from cachetui.tui.view import keys
from cachetui.tui.view.compare_table import CompareTable
from cachetui.tui.view.finding_lines import Reason
from cachetui.tui.view.fleet_heights import SHORT
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.top_causes import why_line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

_NEED_RUNS = frozenset(
    (
        "toggle_all",
        "difference",
        "baseline",
        "baseline_here",
        "timeline",
        "commands",
        "sort",
        "columns",
        "drop",
    )
)
"""Actions that are possible only where runs are compared."""


class ComparePlace(Place):
    """Rows are steps of the Dockerfile, under their stages; columns are runs."""

    PLACE = "compare"
    ENTER = "Step log"
    BINDINGS: ClassVar = keys.COMPARE
    CSS_PATH = "compare.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._table = CompareTable()
        self._picks: tuple[Pick, ...] = ()

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="summary")
        yield Grid(cell=self._table.cell, heading=self._table.heading, cells=True, id="steps")
        yield TextPanel(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        session = self.session
        picks = [pick for pick in session.picks if session.run(pick) is not None]
        if session.baseline in picks:
            picks.sort(key=lambda pick: pick != session.baseline)
        self._picks = tuple(picks)
        self._table.show([*map(session.runs_alike, picks)], session.titles(picks))
        self._show()

    def _show(self) -> None:
        table, grid = self._table, self.query_one(Grid)
        table.update_rows()
        grid.empty = table.empty()
        grid.show(list(table.rows), table.columns(self.size.width) if table.runs else ())
        wanted = self.session.step
        if wanted is not None and wanted in table.rows:
            column = grid.cursor[1] if grid.cursor else None
            grid.move_to_key(wanted, column)
            self.session.step = None
        summary = table.summary(self._shared(), self.size.width - 2)
        self.query_one("#summary", TextPanel).show(*summary)
        self._show_facts()

    def _shared(self) -> list[str]:
        """The scenario and the host that all runs share."""
        scenarios = {pick.scenario for pick in self._picks}
        hosts = {pick.host for pick in self._picks}
        return [
            *(scenarios if len(scenarios) == 1 else ()),
            *(f"on {host}" for host in hosts if len(hosts) == 1),
        ]

    # What the cursor is on

    @property
    def row(self) -> Row | None:
        """The step under the cursor."""
        at = self.query_one(Grid).cursor
        return self._table.rows.get(at[0]) if at else None

    @property
    def pick(self) -> Pick | None:
        """The run under the cursor; in the first column the baseline."""
        at = self.query_one(Grid).cursor
        if at is None or not self._picks:
            return None
        return self._picks[at[1] if isinstance(at[1], int) else 0]

    @on(Grid.Moved, "#steps")
    def _show_facts(self) -> None:
        row, pick = self.row, self.pick
        panel = self.query_one("#facts", TextPanel)
        if row is None or pick is None:
            panel.show()
            return
        width = max(20, self.size.width - 4)
        lines = self._table.facts(row, self._picks.index(pick), width)
        reason = self.reason_here()
        if reason is not None:
            at = 1 if self.size.height < SHORT else len(lines)
            lines.insert(at, why_line(reason, width + 2))
        panel.show(*lines)

    def reason_here(self) -> Reason | None:
        """The finding about the step under the cursor: in the run there, else in another."""
        row, pick = self.row, self.pick
        if row is None or pick is None:
            return None
        return self.reason_of_step((pick, *self._picks), row.id)

    # Keys

    @on(Grid.Opened, "#steps")
    def _opened(self) -> None:
        row = self.row
        if row is not None:
            open_step(self.typed_app, row.id)

    def action_toggle_all(self) -> None:
        """Show all steps, or only those that differ."""
        row = self.row
        self._table.everything = not self._table.everything
        if row is not None:
            self.session.step = row.id
        self._show()

    def action_difference(self, by: int) -> None:
        """Go to the next step that differs, or the previous; wraps around."""
        differing = [
            key for key, row in self._table.rows.items() if isinstance(key, StepId) and row.differs
        ]
        if not self.query_one(Grid).move_to_next(differing, by):
            self.typed_app.tell("No step differs.")

    def action_baseline_here(self) -> None:
        """Make the run under the cursor the baseline."""
        pick = self.pick
        if pick is not None:
            self.session.baseline = pick
            self.refresh_place()

    def action_baseline(self) -> None:
        """Choose the baseline among the runs compared."""
        from cachetui.tui.screens.choose_runs import choose_baseline

        choose_baseline(self.typed_app, self._picks)

    def action_columns(self) -> None:
        """Choose which runs of the audit have a column."""
        from cachetui.tui.screens.choose_columns import choose_compared

        choose_compared(self.typed_app, self._picks)

    def action_drop(self) -> None:
        """Drop the run under the cursor."""
        pick = self.pick
        if pick is not None and len(self._picks) > 1:
            rest = tuple(p for p in self._picks if p != pick)
            baseline = self.session.baseline if self.session.baseline in rest else rest[0]
            self.session.choose(rest, baseline)
            self.refresh_place()

    def action_sort(self) -> None:
        """Sort by the seconds of the run under the cursor; again: by the Dockerfile."""
        at = self.query_one(Grid).cursor
        if at is not None:
            self._sort_by(at[1])

    @on(Grid.HeadingClicked, "#steps")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        self._sort_by(event.column)

    def _sort_by(self, column: Hashable) -> None:
        wanted = column if isinstance(column, int) else None
        self._table.sorted_by = None if wanted == self._table.sorted_by else wanted
        self._show()

    def action_timeline(self) -> None:
        """Show the run under the cursor on a time axis, with the baseline above it."""
        pick = self.pick
        if pick is not None:
            if pick == self._picks[0] and len(self._picks) > 1:
                pick = self._picks[1]
            open_timeline(self.typed_app, tuple(dict.fromkeys((self._picks[0], pick))))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return bool(self._picks) or action not in _NEED_RUNS

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        if self.pick is not None:
            open_commands(self.typed_app, self.pick)

    def exported(self) -> Document | None:
        return self.excerpt(self._picks)

    def copy_text(self) -> str | None:
        row = self.row
        return row.instruction if row else None
