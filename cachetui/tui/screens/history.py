"""History: the stored audits, and the trends of a build's time and hit ratio on each host."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.history import Trend, trends
from cachetui.report import cells, units
from cachetui.report.share import lay_out_share
from cachetui.store.audit_records import AuditEntry
from cachetui.tui.background import run_in_background
from cachetui.tui.core_port import StorePort
from cachetui.tui.screens.place import Place
from cachetui.tui.screens.start_audit import open_audit
from cachetui.tui.screens.store_answers import change_store, read_history
from cachetui.tui.view import keys
from cachetui.tui.view.fleet_agreement import FleetAgreement
from cachetui.tui.view.history_table import (
    NO_AUDITS,
    SORTABLE,
    TREND_COLUMNS,
    audit_cell,
    audit_columns,
    sort_audits,
    trend_cell,
)
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

MAX_AUDITS_READ = 100
"""Audits of a build that trends are made from, the newest ones."""


_READING = (line(("Reading…", "muted")),)


class HistoryPlace(Place):
    """Audits, newest first; `tab` shows the trends of the build under the cursor."""

    PLACE = "history"
    BINDINGS: ClassVar = keys.HISTORY
    NEED_ROWS: ClassVar = frozenset(("mark", "compare", "delete", "pin", "sort"))
    CSS_PATH = "history.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, AuditEntry] = {}
        self._trends: dict[Hashable, Trend] = {}
        self._trends_of: str | None = None
        self._show_trends = False
        self._sorted = 0
        self._verdicts: dict[str, Line] = {}
        self._reading = self._read_once = False
        self.marked: list[str] = []

    @property
    def ENTER(self) -> str:  # type: ignore[override]
        return "" if self._show_trends else "Open"

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, id="audits")
        yield TextPanel(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def on_screen_resume(self) -> None:
        self._read()
        super().on_screen_resume()

    def _read(self) -> None:
        read_history(self.typed_app, self._took)

    def _took(self, entries: Sequence[AuditEntry]) -> None:
        self._read_once = True
        self._entries = {entry.audit: entry for entry in entries}
        self._verdicts.clear()
        self.marked = [audit for audit in self.marked if audit in self._entries]
        if self.is_mounted:
            self.refresh_place()

    @property
    def _store(self) -> StorePort:
        return self.typed_app.core.store

    def update_place(self) -> None:
        grid = self.query_one(Grid)
        if self._show_trends:
            self._draw_trends(grid)
        else:
            self._draw_audits(grid)
        self._show_facts()

    def _draw_audits(self, grid: Grid) -> None:
        entries = list(self._entries.values())
        sort_audits(entries, SORTABLE[self._sorted])
        grid.empty = NO_AUDITS if self._read_once else _READING
        columns = audit_columns(SORTABLE[self._sorted]) if entries else ()
        grid.show([entry.audit for entry in entries], columns)

    def _draw_trends(self, grid: Grid) -> None:
        none = (line(("Nothing ran more than once yet.", "muted")),)
        grid.empty = _READING if self._trends_of is None else none
        grid.show(list(self._trends), TREND_COLUMNS if self._trends else ())

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        if self._show_trends:
            trend = self._trends.get(key)
            return trend_cell(trend, str(column), width) if trend else ()
        entry = self._entries.get(str(key))
        if entry is None:
            return ()
        snapshot = self.session.snapshot
        return audit_cell(
            entry,
            str(column),
            started=self.typed_app.moment(entry.started_at),
            age=self.typed_app.now() - entry.started_at,
            marked=entry.audit in self.marked,
            shown=snapshot is not None and snapshot.audit == entry.audit,
        )

    @property
    def entry(self) -> AuditEntry | None:
        """The audit under the cursor."""
        at = self.query_one(Grid).cursor
        return self._entries.get(str(at[0])) if at and not self._show_trends else None

    @on(Grid.Moved, "#audits")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        plate = self.query_one("#facts", TextPanel)
        entry = self.entry
        if self._show_trends:
            plate.show(
                line(
                    (f"Trends of {self._trends_of or '…'}", "strong"),
                    (" · runs that ended well, each scale from 0", "muted"),
                )
            )
        elif entry is not None:
            scenarios = ", ".join(entry.scenarios)
            verdict = self._verdict_of(entry.audit)
            width = max(20, self.size.width - 2)
            name, *more = cells.wrap(scenarios, width, f"{entry.build} ", "  ")
            told: list[Line] = [line((entry.build, "strong"), (name[len(entry.build) :], "muted"))]
            plate.show(*told, *(line((part, "muted")) for part in more), verdict)
        else:
            plate.show()

    def _verdict_of(self, audit: str) -> Line:
        """Whether the hosts of an audit agreed, and who was odd; read in a thread, one audit at a
        time, and shown once it is known."""
        if audit in self._verdicts:
            return self._verdicts[audit]
        if not self._reading:
            self._reading = True
            store = self._store

            def read() -> Line:
                document = store.audit(audit)
                if document is not None and document.share is not None:
                    return line(lay_out_share(document, document.share).verdict[0])
                lines = FleetAgreement(document).verdict() if document is not None else ()
                return lines[0] if lines else (("nothing to compare", "muted"),)

            def ended(verdict: Line) -> None:
                self._reading = False
                self._verdicts[audit] = verdict
                if self.is_mounted:
                    self._show_facts()

            run_in_background(
                self.typed_app,
                "verdict",
                read,
                ended,
                lambda error: ended(line(("✗ ", "bad"), f"it cannot be read: {error}")),
            )
        return (("…", "muted"),)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "trend":
            return self._show_trends or bool(self._entries)
        if self._show_trends and action in self.NEED_ROWS:
            return False  # a trend is of many audits: none of them is under the cursor
        return super().check_action(action, parameters)

    @on(Grid.Opened, "#audits")
    def _opened(self) -> None:
        entry = self.entry
        if entry is not None:
            open_audit(self.typed_app, entry.audit)

    def action_mark(self) -> None:
        """Mark or unmark the audit under the cursor."""
        entry = self.entry
        if entry is None:
            return
        if entry.audit in self.marked:
            self.marked.remove(entry.audit)
        else:
            self.marked = [*self.marked[-1:], entry.audit]
        grid = self.query_one(Grid)
        grid.refresh()
        grid.move_to(grid.row + 1)

    def action_compare(self) -> None:
        """Compare the two marked audits, or the one under the cursor with the one that is open."""
        from cachetui.tui.screens.presets import compare_audits

        entry = self.entry
        if len(self.marked) == 2:
            compare_audits(self.typed_app, self.marked[0], self.marked[1])
        elif entry is not None and self.session.snapshot is not None:
            compare_audits(self.typed_app, entry.audit, self.session.snapshot.audit)
        else:
            self.typed_app.tell("Mark two audits with space, or open one first.")

    def action_delete(self) -> None:
        """Delete the audit under the cursor, after a question."""
        from cachetui.tui.screens.dialogs import Confirm

        entry = self.entry
        if entry is None:
            return
        audit = entry.audit
        snapshot = self.session.snapshot
        if entry.pinned:
            self.typed_app.tell("This audit is pinned; p unpins it.")
            return
        if self.session.running and snapshot is not None and snapshot.audit == audit:
            self.typed_app.tell("This audit is running.")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                change_store(self.typed_app, lambda: self._store.delete_audit(audit), deleted)

        def deleted() -> None:
            self._read()
            self.typed_app.tell(f"Deleted {audit}.")

        what = f"{entry.build}, {units.count(entry.runs, 'run')} with their logs."
        self.app.push_screen(
            Confirm("Delete this audit?", f"{what}\nThis cannot be undone.", "Delete"),
            answered,
        )

    def action_pin(self) -> None:
        """Pin the audit under the cursor, or take that back."""
        entry = self.entry
        if entry is None:
            return
        pinned = not entry.pinned
        change_store(
            self.typed_app, lambda: self._store.pin(entry.audit, pinned), lambda: self._read()
        )

    def action_sort(self) -> None:
        """Sort by the next column that allows it."""
        if not self._show_trends:
            self._sorted = (self._sorted + 1) % len(SORTABLE)
            self.update_place()

    @on(Grid.HeadingClicked, "#audits")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        if event.column in SORTABLE:
            self._sorted = SORTABLE.index(str(event.column))
            self.update_place()

    # Trends

    def action_trend(self) -> None:
        """Switch between the audits and the trends of the build under the cursor."""
        entry = self.entry
        if self._show_trends:
            self._show_trends = False
            self._trends_of = None
        elif entry is not None:
            self._show_trends = True
            self._trends = {}
            self._read_trends(entry.build)
        self.update_place()
        self.refresh_bindings()  # other keys have a meaning now

    def _read_trends(self, build: str) -> None:
        """Read the audits of a build in a thread: there may be many."""
        store = self._store
        audits = [e.audit for e in self._entries.values() if e.build == build][:MAX_AUDITS_READ]

        def read() -> tuple[Trend, ...]:
            documents = [store.audit(audit) for audit in audits]
            return trends([document for document in documents if document is not None], build)

        def show(build_trends: tuple[Trend, ...]) -> None:
            if self._show_trends and self.is_mounted:
                self._trends_of = build
                self._trends = {(trend.host, trend.scenario): trend for trend in build_trends}
                self.update_place()

        def failed(error: Exception) -> None:
            self.typed_app.tell(f"The audits cannot be read: {error}", severity="error")

        run_in_background(self.typed_app, "trends", read, show, failed)

    def action_go_back(self) -> None:
        """Go back to the audits, else to the previous place."""
        if self._show_trends:
            self.action_trend()
        else:
            self.typed_app.action_go_back()

    def copy_text(self) -> str | None:
        entry = self.entry
        return entry.audit if entry else None

    @property
    def exported_audit(self) -> str | None:
        return self.entry.audit if self.entry is not None else None
