"""History: the audits that are kept, and how a build's time and hit ratio went on each host."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.history import Trend, trends
from cachetui.records.document import Document
from cachetui.report import units
from cachetui.store.database import AuditEntry
from cachetui.tui import keys, signs
from cachetui.tui.ports import StorePort
from cachetui.tui.screens.place import Place
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid

MOST_READ = 100
"""Audits of a build that a trend is made from, the latest first."""

_SORTS = ("started", "build", "seconds", "failed")


class HistoryPlace(Place):
    """Audits, newest first; `tab` turns to the trends of the build under the cursor."""

    PLACE = "history"
    ENTER = "Open"
    BINDINGS: ClassVar = keys.HISTORY
    CSS_PATH = "history.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, AuditEntry] = {}
        self._trends: dict[Hashable, Trend] = {}
        self._trends_of: str | None = None
        self._show_trends = False
        self._sorted = 0
        self.marked: list[str] = []

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, id="audits")
        yield Plate(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def on_screen_resume(self) -> None:
        self._read()
        super().on_screen_resume()

    def _read(self) -> None:
        entries = self.core_store.audits()
        self._entries = {entry.audit: entry for entry in entries}
        self.marked = [audit for audit in self.marked if audit in self._entries]

    @property
    def core_store(self) -> StorePort:
        return self.home.core.store

    def update_place(self) -> None:
        grid = self.query_one(Grid)
        if self._show_trends:
            self._draw_trends(grid)
        else:
            self._draw_audits(grid)
        self._show_facts()

    def _draw_audits(self, grid: Grid) -> None:
        grid.empty = (
            line(("No audit is kept yet.", "strong")),
            line(
                "Each is kept when it ends: go to ",
                ("1", "key"),
                " Fleet and press ",
                ("r", "key"),
                ".",
            ),
        )
        entries = list(self._entries.values())
        name = _SORTS[self._sorted]
        if name == "build":
            entries.sort(key=lambda entry: entry.build)
        elif name != "started":
            entries.sort(key=lambda entry: -getattr(entry, name))
        arrow = {key: " ▾" if key == name else "" for key in _SORTS}
        grid.show(
            [entry.audit for entry in entries],
            (
                Column("started", (f"  WHEN{arrow['started']}",), 19),
                Column("build", (f"BUILD{arrow['build']}",), 10, 2, 30),
                Column("hosts", ("HOSTS",), 6, align="right"),
                Column("runs", ("RUNS",), 5, align="right"),
                Column("failed", (f"TROUBLE{arrow['failed']}",), 10),
                Column("seconds", (f"TOOK{arrow['seconds']}",), 8, align="right"),
                Column("age", ("",), 12, 1, 16, align="right"),
                Column("audit", ("AUDIT",), 16, 1, 24),
            ),
        )

    def _draw_trends(self, grid: Grid) -> None:
        found = self._trends_of is not None
        grid.empty = (((("Nothing ran more than once yet." if found else "Reading…"), "muted"),),)
        grid.show(
            list(self._trends),
            (
                Column("host", ("HOST",), 10, 1, 24),
                Column("scenario", ("SCENARIO",), 20, 0),
                Column("times", ("SECONDS, OLDEST FIRST",), 21, 3, 60),
                Column("last", ("LAST",), 7, align="right"),
                Column("ratios", ("HITS",), 8, 1, 30),
                Column("ratio", ("LAST",), 5, align="right"),
            ),
        )

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        if self._show_trends:
            trend = self._trends.get(key)
            return trend_cell(trend, str(column), width) if trend else ()
        entry = self._entries.get(str(key))
        if entry is None:
            return ()
        return self._audit_cell(entry, str(column))

    def _audit_cell(self, entry: AuditEntry, column: str) -> Line:
        if column == "started":
            mark = "◆ " if entry.audit in self.marked else "  "
            return line((mark, "accent"), self.home.moment(entry.started_at))
        if column == "failed":
            if not entry.failed:
                return (("✓ none", "good"),)
            return ((f"✗ {entry.failed}", "bad"),)
        snapshot = self.session.snapshot
        here = snapshot is not None and snapshot.audit == entry.audit
        text = {
            "build": entry.build,
            "hosts": str(entry.hosts),
            "runs": str(entry.runs),
            "seconds": units.seconds(entry.seconds),
            "age": units.age(max(0.0, self.home.now() - entry.started_at)),
            "audit": entry.audit + (" (open)" if here else ""),
        }[column]
        return ((text, "strong" if column == "build" else "muted" if column == "age" else ""),)

    @property
    def entry(self) -> AuditEntry | None:
        """The audit under the cursor."""
        at = self.query_one(Grid).cursor
        return self._entries.get(str(at[0])) if at and not self._show_trends else None

    @on(Grid.Moved, "#audits")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        plate = self.query_one("#facts", Plate)
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
            plate.show(line((f"{entry.build} ", "strong"), (scenarios, "muted")))
        else:
            plate.show()

    # Keys

    @on(Grid.Opened, "#audits")
    def _opened(self) -> None:
        entry = self.entry
        if entry is not None:
            self.home.open_audit(entry.audit)

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
        from cachetui.tui.screens.choose import compare_audits

        entry = self.entry
        if len(self.marked) == 2:
            compare_audits(self.home, self.marked[0], self.marked[1])
        elif entry is not None and self.session.snapshot is not None:
            compare_audits(self.home, entry.audit, self.session.snapshot.audit)
        else:
            self.home.tell("Mark two audits with space, or open one first.")

    def action_delete(self) -> None:
        """Delete the audit under the cursor, after a question."""
        from cachetui.tui.screens.dialogs import Confirm

        entry = self.entry
        if entry is None:
            return
        audit = entry.audit
        snapshot = self.session.snapshot
        if self.session.running and snapshot is not None and snapshot.audit == audit:
            self.home.tell("This audit is running.")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.core_store.delete_audit(audit)
                self._read()
                self.refresh_place()
                self.home.tell(f"Deleted {audit}.")

        words = f"{entry.build}, {units.count(entry.runs, 'run')} with their logs."
        self.app.push_screen(
            Confirm("Delete this audit?", f"{words}\nIt cannot be brought back.", "Delete"),
            answered,
        )

    def action_sort(self) -> None:
        """Sort by the next column that can be sorted by."""
        if not self._show_trends:
            self._sorted = (self._sorted + 1) % len(_SORTS)
            self.update_place()

    @on(Grid.HeadingClicked, "#audits")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        if event.column in _SORTS:
            self._sorted = _SORTS.index(str(event.column))
            self.update_place()

    # Trends

    def action_trend(self) -> None:
        """Turn from the audits to the trends of the build under the cursor, and back."""
        entry = self.entry
        if self._show_trends:
            self._show_trends = False
            self._trends_of = None
        elif entry is not None:
            self._show_trends = True
            self._trends = {}
            self._read_trends(entry.build)
        self.update_place()

    def _read_trends(self, build: str) -> None:
        """Read the audits of a build in a thread: there may be many."""
        audits = [e.audit for e in self._entries.values() if e.build == build][:MOST_READ]

        def body() -> None:
            documents: list[Document] = []
            for audit in audits:
                document = self.core_store.audit(audit)
                if document is not None:
                    documents.append(document)
            self.app.call_later(self._trends_read, build, trends(documents, build))

        threading.Thread(target=body, daemon=True, name="trends").start()

    def _trends_read(self, build: str, found: tuple[Trend, ...]) -> None:
        if self._show_trends:
            self._trends_of = build
            self._trends = {(trend.host, trend.scenario): trend for trend in found}
            self.update_place()

    def action_go_back(self) -> None:
        """Back to the audits, else to where one came from."""
        if self._show_trends:
            self.action_trend()
        else:
            self.home.action_go_back()

    def copy_text(self) -> str | None:
        entry = self.entry
        return entry.audit if entry else None

    def exported(self) -> Document | None:
        entry = self.entry
        current = self.session.current()
        if entry is None or (current is not None and current.audit == entry.audit):
            return current
        return self.core_store.audit(entry.audit)


def trend_cell(trend: Trend, column: str, width: int) -> Line:
    """A cell of the trends."""
    if column == "host":
        return ((trend.host, "strong"),)
    if column == "scenario":
        return ((trend.scenario, ""),)
    if column in ("times", "ratios") and len(trend.seconds) < 2:
        return (("one run" if column == "times" else "", "muted"),)
    if column == "times":
        return ((signs.sparkline(trend.seconds, width), "accent"),)
    if column == "ratios":
        return ((signs.sparkline(trend.hit_ratios, width, 1.0), "good"),)
    if column == "last":
        return ((units.seconds(trend.seconds[-1] if trend.seconds else None), ""),)
    return ((units.percent(trend.hit_ratios[-1] if trend.hit_ratios else None), ""),)
