"""Fleet: hosts in rows, scenarios in columns, live; the odd one out said in words above."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widget import Widget

from cachetui.tui import facts, idle, keys, matrix, signs
from cachetui.tui.matrix import HOST, FleetRow, Order, Outlook
from cachetui.tui.ports import Key, Loading
from cachetui.tui.screens.fleet_actions import FleetActions
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.filterbox import FilterBox
from cachetui.tui.widgets.frame import KeyBar
from cachetui.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress
    from cachetui.records.document import Document

_FACTS = 6
"""Lines of the facts under the matrix, with the rule above them, where steps follow."""


class FleetPlace(FleetActions):
    """The home of the app."""

    PLACE = "fleet"
    BINDINGS: ClassVar = keys.FLEET
    CSS_PATH = "fleet.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, FleetRow] = {}
        self._cells: dict[str, dict[str, list[Cell]]] = {}
        self._hosts: dict[str, HostProgress] = {}
        self.outlook = Outlook(None)
        self._read_from: object = None
        self._order = Order()
        self._folded: bool | None = None
        self._words = ""
        self._stood_on = ""
        self._step_room = 0
        self.marked: set[Key] = set()
        self._marked_idle: set[str] = set()

    @property
    def ENTER(self) -> str:  # type: ignore[override]
        return "Compare" if self.session.snapshot is not None else ""

    def body(self) -> Iterator[Widget]:
        yield Plate(id="verdict")
        yield Grid(cell=self._cell, cells=True, id="matrix")
        yield Plate(id="facts")
        yield Plate(id="steps")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        snapshot = self.session.snapshot
        grid = self.query_one(Grid)
        if snapshot is None:
            self._show_idle(grid)
            return
        document = self.session.current()
        if document is not self._read_from:
            self._read_from = document
            self.outlook = Outlook(document)
        self._cells = matrix.by_host(snapshot)
        self._hosts = {host.name: host for host in snapshot.hosts}
        self.marked &= {cell.key for cell in snapshot.cells}
        tags = {host.name: host.tags for host in self.session.hosts}
        rows = matrix.rows(
            snapshot,
            document,
            self.outlook,
            words=self._words,
            order=self._order,
            folded=self.folded,
            tags=tags,
        )
        self._rows = {row.key: row for row in rows}
        grid.empty = (line((f"No host matches “{self._words}”. esc clears the filter.", "muted")),)
        grid.show([row.key for row in rows], self._columns(snapshot.scenarios, rows))
        self.query_one("#verdict", Plate).show(*self._verdict())
        self._share_room(max(1, len(rows)))
        if snapshot.finished and self._stood_on != snapshot.audit:
            self._stood_on = snapshot.audit
            self._stand_on_odd()
        self._show_facts()

    def _share_room(self, rows: int) -> None:
        """Show steps below a matrix that leaves room for them."""
        grid = self.query_one(Grid)
        wanted = rows + grid.heading_height
        verdict = len(self.query_one("#verdict", Plate).lines) + 1
        room = self.size.height - 4 - verdict - _FACTS - wanted
        roomy = room >= 4
        self._step_room = room if roomy else 0
        self.set_class(roomy, "-roomy")
        grid.styles.height = wanted if roomy else "1fr"

    def on_resize(self) -> None:
        self.update_place()

    def _stand_on_odd(self) -> None:
        """Put the cursor on the odd one out, once an audit has ended."""
        one = self.outlook.first
        if one is not None:
            host = one.sides[-1].hosts[0]
            row = next((r.key for r in self._rows.values() if host in r.hosts), host)
            self.query_one(Grid).move_to_key(row, one.scenario)

    @property
    def folded(self) -> bool:
        """Whether hosts alike share a row: as chosen, else when there are many."""
        if self._folded is not None:
            return self._folded
        snapshot = self.session.snapshot
        return snapshot is not None and len(snapshot.hosts) >= matrix.FOLD_FROM

    def _columns(self, scenarios: tuple[str, ...], rows: list[FleetRow]) -> tuple[Column, ...]:
        longest = max((len(row.name) + len(facts.alike(row)) for row in rows), default=8) + 3
        arrow = {True: " ▴", False: " ▾"}[self._order.backwards]
        own = arrow if self._order.column == HOST else ""
        most = 44 if self.size.width >= 120 else 30 if self.size.width >= 60 else 18
        columns = [Column(HOST, ("", f"  HOST{own}"), min(max(longest, 9), most))]
        last = ""
        for scenario in sorted(scenarios, key=self._nobody_can):
            backend, rest = signs.scenario_titles(scenario)
            sorted_by = arrow if self._order.column == scenario else ""
            title = backend if backend != last else ""
            last = backend
            columns.append(Column(scenario, (f" {title}", f" {rest}{sorted_by}"), 13, 1, 22))
        return tuple(columns)

    def _nobody_can(self, scenario: str) -> bool:
        """Whether no host can run a scenario: there is nothing to see, so it stands last."""
        states = {c.state for own in self._cells.values() for c in own.get(scenario, [])}
        return bool(states) and states <= {"unsupported", "unreachable", "skipped"}

    def _show_idle(self, grid: Grid) -> None:
        """No audit yet: the hosts as they are configured, and what to do."""
        session = self.session
        self._rows = {h.name: FleetRow(h.name, h.name, (h.name,), False) for h in session.hosts}
        self._cells, self._hosts = {}, {}
        loading = isinstance(self.home.core, Loading)
        todo = idle.todo(session.build, len(session.hosts), loading=loading)
        self.query_one("#verdict", Plate).show(todo)
        grid.show(list(self._rows), idle.columns(HOST))
        audits = self.home.core.store.audits()
        lines = idle.build_lines(session.build, audits, self.home.now())
        self.query_one("#facts", Plate).show(*lines)

    def _verdict(self) -> tuple[Line, ...]:
        error = self.session.error
        if error is not None:
            return (line(("✗ ", "bad"), f"the audit ended early: {error}"),)
        lines = self.outlook.verdict()
        if lines:
            return lines
        snapshot = self.session.snapshot
        if snapshot is not None and not snapshot.finished:
            return (line(("Hosts are compared as their runs end.", "muted")),)
        return (line(("Nothing to compare: fewer than two hosts ran a scenario.", "muted")),)

    # Cells

    def _cell(self, row: Hashable, column: Hashable, width: int) -> Line:
        entry = self._rows.get(str(row))
        if entry is None:
            return ()
        if column == HOST:
            return self._host_cell(entry, width)
        if column in ("address", "tags"):
            settings = next((h for h in self.session.hosts if h.name == row), None)
            return idle.cell(settings, str(column))
        cell = matrix.merged(self._cells, entry.hosts, str(column))
        if cell is None:
            return ()
        odd = any((host, column) in self.outlook.odd for host in entry.hosts)
        repeats = self.session.snapshot.repeats if self.session.snapshot else 1
        shown = signs.cell_line(cell, width, odd=odd, times=repeats)
        if any(key in self.marked for key in self.keys_of(entry, str(column))):
            return line(("◆", "accent"), *shown[1:])
        return shown

    def _host_cell(self, entry: FleetRow, width: int) -> Line:
        keys_of = self.keys_of(entry, HOST)
        marked = bool(keys_of) and all(key in self.marked for key in keys_of)
        marked = marked or (not self._hosts and entry.key in self._marked_idle)
        return facts.host_cell(entry, self._hosts.get(entry.key), marked, width)

    def keys_of(self, entry: FleetRow, column: str) -> list[Key]:
        return [
            cell.key
            for host in entry.hosts
            for scenario, own in self._cells.get(host, {}).items()
            for cell in own
            if column in (HOST, scenario)
        ]

    # Facts of what the cursor is on

    @on(Grid.Moved, "#matrix")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        at = self.query_one(Grid).cursor
        entry = self._rows.get(str(at[0])) if at else None
        if at is None or entry is None or self.session.snapshot is None:
            self.query_one("#facts", Plate).show()
            self.query_one("#steps", Plate).show()
            return
        host = self._hosts.get(entry.key)
        lines: list[Line] = []
        if host is not None:
            lines += facts.host_lines(host, entry, self.size.width - 2)
        cell = matrix.merged(self._cells, entry.hosts, str(at[1])) if at[1] != HOST else None
        if cell is not None:
            lines.append(facts.cell_facts(cell, host.reason if host else None))
        self.query_one("#facts", Plate).show(*lines)
        self.query_one("#steps", Plate).show(*self._steps())

    def _steps(self) -> tuple[Line, ...]:
        """The steps of the run under the cursor beside those of one that is as most are, where
        there is room; those that differ where there is little."""
        pick = self.picked() if self._step_room else None
        run = self.session.run(pick) if pick is not None else None
        if pick is None or run is None or not run.steps:
            return ()
        peer = self.peer(pick)
        other = self.session.run(peer) if peer is not None else None
        runs = [run, other] if other is not None else [run]
        return tuple(facts.step_lines(runs, self.size.width - 2, self._step_room))

    def under_cursor(self) -> list[Key]:
        at = self.query_one(Grid).cursor
        entry = self._rows.get(str(at[0])) if at else None
        if at is None or entry is None:
            return []
        return self.keys_of(FleetRow(entry.key, entry.name, entry.hosts[:1], entry.odd), str(at[1]))

    @on(Grid.Opened, "#matrix")
    def _opened(self) -> None:
        if self.session.snapshot is None:
            self.home.action_start()
            return
        targets = self.targets()
        by_key = {cell.key: cell for cell in self.session.snapshot.cells}
        alive = [key for key in targets if by_key[key].state == "building"]
        if alive and len(targets) == 1:
            self.home.open_log(self.session.pick(alive[0]))
            return
        self.home.open_compare(self.to_compare(targets))

    def action_odd(self) -> None:
        """Open the first difference of hosts: the odd run beside one that is as most are."""
        one = self.outlook.first
        if one is None:
            self.home.tell("No host is the odd one out so far.")
            return
        usual, other = one.sides[0].hosts[0], one.sides[1].hosts[0]
        self.query_one(Grid).move_to_key(other, one.scenario)
        picks = tuple(
            self.session.pick((host, one.scenario, one.repeat)) for host in (usual, other)
        )
        self.home.open_compare(picks, one.step)

    def action_fold(self) -> None:
        """Fold hosts alike into one row, or unfold them."""
        self._folded = not self.folded
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
        if self._order.column != column:
            self._order = Order(column)
        elif not self._order.backwards:
            self._order = Order(column, True)
        else:
            self._order = Order()
        self.refresh_place()

    # The filter

    @property
    def _filter(self) -> FilterBox | None:
        found = self.query(FilterBox)
        return found.first() if found else None

    async def action_filter(self) -> None:
        """Show the filter; it is made when it is first wanted, so that a start paints sooner."""
        box = self._filter
        if box is None:
            box = FilterBox()
            await self.mount(box, before=self.query_one(KeyBar))
        box.display = True
        box.focus_input()

    @on(FilterBox.Changed)
    def _filter_changed(self, event: FilterBox.Changed) -> None:
        self._words = event.words
        self.update_place()

    @on(FilterBox.Kept)
    def _filter_kept(self) -> None:
        box = self._filter
        if box is not None:
            box.display = bool(self._words)
        self.query_one(Grid).focus()

    def action_go_back(self) -> None:
        """Leave the filter, else the marks, else the place."""
        box = self._filter
        if box is not None and box.display:
            self._words = ""
            box.clear()
            box.display = False
            self.query_one(Grid).focus()
            self.update_place()
        elif self.marked or self._marked_idle:
            self.marked.clear()
            self._marked_idle.clear()
            self.query_one(Grid).refresh()
        else:
            self.home.action_go_back()

    def exported(self) -> Document | None:
        from cachetui.tui.excerpt import of_hosts

        document = self.session.current()
        if document is None or not self._words:
            return document
        return of_hosts(document, {host for row in self._rows.values() for host in row.hosts})

    def copy_text(self) -> str | None:
        at = self.query_one(Grid).cursor
        entry = self._rows.get(str(at[0])) if at else None
        return " ".join(entry.hosts) if entry else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        if action == "stop":
            return self.session.running
        if action in (
            "odd",
            "fold",
            "mark_all",
            "mark_column",
            "rerun",
            "commands",
            "live_log",
            "timeline",
        ):
            return self.session.snapshot is not None
        return True
