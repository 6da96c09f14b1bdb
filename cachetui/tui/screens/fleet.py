"""Fleet: hosts in rows, scenarios in columns, live; why they differ above and below."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.widget import Widget

from cachetui.tui.core_port import LoadingCore
from cachetui.tui.screens.fleet_matrix import FleetMatrix
from cachetui.tui.screens.open_runs import open_commands, open_compare, open_log, open_timeline
from cachetui.tui.screens.start_audit import ask_what_to_run
from cachetui.tui.screens.stop_and_rerun import rerun, stop
from cachetui.tui.screens.store_answers import read_history
from cachetui.tui.view import before_audit, fleet_heights, keys
from cachetui.tui.view.causes import by_cost
from cachetui.tui.view.finding_lines import Reason
from cachetui.tui.view.fleet_heights import Heights
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.step_lines import steps_side_by_side
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

_NEEDS_AN_AUDIT = frozenset(
    (
        "odd",
        "fold",
        "columns",
        "mark_all",
        "mark_column",
        "marked_only",
        "rerun",
        "commands",
        "live_log",
        "timeline",
    )
)
"""Actions that are possible only once there is an audit."""


class FleetPlace(FleetMatrix):
    """The first place of the app."""

    PLACE = "fleet"
    BINDINGS: ClassVar = keys.FLEET
    CSS_PATH = "fleet.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._cursor_set_for: tuple[str, bool] | None = None
        self._cursor_set_to: tuple[Hashable, Hashable] | None = None
        self._heights = Heights(0, 0, 0, 0)

    @property
    def ENTER(self) -> str:  # type: ignore[override]
        return "Compare" if self.session.snapshot is not None else ""

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="verdict")
        yield Grid(cell=self._cell, cells=True, id="matrix")
        yield TextPanel(id="facts")
        yield TextPanel(id="why")
        yield TextPanel(id="steps")

    def on_mount(self) -> None:
        super().on_mount()
        self.session.here = self._selection.runs_here

    def _panel(self, name: str) -> TextPanel:
        return self.query_one(f"#{name}", TextPanel)

    # From the session

    def update_place(self) -> None:
        snapshot = self.session.snapshot
        grid = self.query_one(Grid)
        if snapshot is None:
            self._show_hosts(grid)
            return
        self._selection.marks.cells &= {cell.key for cell in snapshot.cells}
        self._marked_only &= bool(self._selection.marks)
        self._table.choice = self.session.columns
        self._table.show_audit(
            snapshot,
            self.session.current(),
            words=self._filter_words,
            grouped=self.grouped,
            tags={host.name: host.tags for host in self.session.hosts},
            findings=self.session.explained.findings,
            peek=self.session.explained.peek,
            only=self._selection.marks.marked_hosts() if self._marked_only else (),
        )
        no_match = f"No host matches “{self._filter_words}”. esc clears the filter."
        grid.empty = (line((no_match, "muted")),)
        causes = fleet_heights.causes_above(self.size.height)
        findings = self.session.explained.findings
        width = self.size.width - 2
        verdict = self._table.verdict(self.session.error, findings, width, causes)
        grid.show(list(self._table.rows), self._table.columns(self.size.width))
        self._panel("verdict").show(*verdict)
        self._panel("facts").border_title = Content(self._table.key_of_signs(verdict, width - 4))
        self._share_height(grid, max(1, len(self._table.rows)))
        if snapshot.finished:
            self._set_cursor(snapshot.audit)
        self._show_facts()

    def _show_hosts(self, grid: Grid) -> None:
        """No audit yet: show the configured hosts, and what to do."""
        session = self.session
        self._table.show_hosts(session.hosts, session.asked.answers)
        loading = isinstance(self.typed_app.core, LoadingCore)
        hint = before_audit.next_step(session.build, len(session.hosts), loading=loading)
        self._panel("verdict").show(hint)
        self._panel("facts").border_title = None
        grid.show(list(self._table.rows), self._table.columns(self.size.width))
        grid.styles.height = "1fr"
        self._panel("facts").styles.height = "auto"
        self._show_before()
        for name in ("why", "steps"):
            self._panel(name).display = False

    def _show_before(self) -> None:
        """What would be built, and what the host under the cursor reports of itself."""
        session, cursor = self.session, self._selection.cursor
        if session.history is None and not isinstance(self.typed_app.core, LoadingCore):
            session.history = ()
            read_history(self.typed_app, lambda _: self.refresh_place())
        lines = before_audit.build_lines(session.build, session.history or (), self.typed_app.now())
        answers = session.asked.answers
        lines += before_audit.reachable(answers)
        report = answers.reports.get(cursor[0].key) if cursor is not None else None
        lines += before_audit.answer_lines(report, self.size.width - 2)
        self._panel("facts").show(*lines)

    def _share_height(self, grid: Grid, rows: int) -> None:
        """Share the screen's lines among the matrix and what stands below it."""
        verdict = self._panel("verdict")
        above = len(verdict.lines) + verdict.styles.margin.bottom + (not self._finished)
        above += self._filter is not None and bool(self._filter.display)
        self._heights = fleet_heights.share(
            self.size.height,
            above,
            rows + grid.heading_height,
            explained=bool(by_cost(self.session.explained.findings)),
            told=self._table.tells_causes,
        )
        below = self._heights.why or self._heights.steps
        grid.styles.height = self._heights.matrix if below else "1fr"
        steps = self._panel("steps")
        steps.styles.height, steps.display = self._heights.steps, self._heights.steps > 0

    @property
    def _finished(self) -> bool:
        return self.session.snapshot is None or self.session.snapshot.finished

    def on_resize(self) -> None:
        self.update_place()

    def _set_cursor(self, audit: str) -> None:
        """Put the cursor on the odd one out once an audit has ended, and on what costs most once
        that is known, unless the user moved it meanwhile."""
        reasons = by_cost(self.session.explained.findings)
        state = (audit, bool(reasons))
        grid = self.query_one(Grid)
        if state == self._cursor_set_for:
            return
        same_audit = self._cursor_set_for is not None and self._cursor_set_for[0] == audit
        self._cursor_set_for = state
        if same_audit and grid.cursor != self._cursor_set_to:
            return
        first = self._table.agreement.first
        if reasons and reasons[0].scenarios and reasons[0].hosts:
            self._move_to(reasons[0].hosts[0], reasons[0].scenarios[0])
        elif first is not None:
            self._move_to(first.sides[-1].hosts[0], first.scenario)
        self._cursor_set_to = grid.cursor

    def _move_to(self, host: str, scenario: str) -> None:
        rows = self._table.rows.values()
        row = next((row.key for row in rows if host in row.hosts), host)
        self.query_one(Grid).move_to_key(row, scenario)

    # What the cursor is on

    @on(Grid.Moved, "#matrix")
    def _show_facts(self) -> None:
        facts, why = self._panel("facts"), self._panel("why")
        heights = self._heights
        cursor = self._selection.cursor
        if self.session.snapshot is None:
            self._show_before()
            return
        self.call_after_refresh(self.show_title)  # it says where the hosts in trouble stand
        if cursor is None:
            for panel in (facts, why, self._panel("steps")):
                panel.show()
            return
        row, column = cursor
        width = self.size.width - 2
        findings = self.session.explained.findings if heights.why else None
        brief = findings is not None and not heights.steps
        known = self._table.facts(row, column, width, brief=brief)
        spare = max(0, heights.facts - 1 - len(known)) if brief else 0
        lines = heights.why + spare - (heights.steps > 0)  # one is blank before the steps
        reason = self._table.why(row, column, findings, width, lines) if findings else []
        if not reason:
            known, spare = self._table.facts(row, column, width), -heights.why
        height = heights.facts - spare
        facts.show(*known[: height - 1])  # the first line is a rule
        facts.styles.height = height if heights.why or heights.steps else "auto"
        facts.display = height > 0
        why.show(*reason)
        why.styles.height, why.display = heights.why + spare, bool(reason)
        self._panel("steps").show(*self._steps())

    def _steps(self) -> list[Line]:
        """The steps of the run under the cursor beside its peer's, when there is room for them."""
        pick = self._selection.run() if self._heights.steps else None
        run = self.session.run(pick) if pick is not None else None
        if pick is None or run is None or not run.steps:
            return []
        peer = self._selection.peer_of(pick)
        other = self.session.run(peer) if peer is not None else None
        runs = [run, other] if other is not None else [run]
        picks = [pick, peer] if peer is not None else [pick]
        groups = self._selection.alike(picks)
        names = [groups[each].name if each in groups else each.host for each in picks]
        return steps_side_by_side(
            runs, names[: len(runs)], self.size.width - 2, self._heights.steps
        )

    def reason_here(self) -> Reason | None:
        cursor = self._selection.cursor
        findings = self.session.explained.findings
        found = self._table.reason(*cursor, findings) if cursor is not None else None
        return found[0] if found is not None else None

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
        picks, alike = self._selection.runs_here()
        open_compare(self.typed_app, picks, alike=alike)

    def action_odd(self) -> None:
        """Open the first difference of hosts: the odd run beside one of the majority."""
        first = self._table.agreement.first
        if first is None:
            self.typed_app.tell("No host is the odd one out so far.")
            return
        hosts = first.sides[0].hosts[0], first.sides[1].hosts[0]
        self.query_one(Grid).move_to_key(hosts[1], first.scenario)
        picks = [self.session.pick((host, first.scenario, first.repeat)) for host in hosts]
        open_compare(self.typed_app, picks, first.step, self._selection.alike(picks))

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
            self.typed_app.tell("The timeline of a run is shown once it has ended.")

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        pick = self._selection.run()
        if pick is not None:
            open_commands(self.typed_app, pick)

    def runs_for_outputs(self) -> tuple[Pick, ...]:
        return self._selection.runs_with_images()

    # Stopping, running again

    def action_stop(self) -> None:
        """Stop the marked hosts, or all after a question."""
        stop(self.typed_app, self.marked_hosts(), self.refresh_place)

    def action_rerun(self) -> None:
        """Run the marked cells again, or all that failed."""
        if rerun(self.typed_app, self._selection.marked()):
            self._selection.marks.cells.clear()
            self.refresh_place()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "stop":
            return self.session.running
        if action in _NEEDS_AN_AUDIT:
            return self.session.snapshot is not None
        return True
