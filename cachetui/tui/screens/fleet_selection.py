"""Which runs an action in Fleet is about: the marked ones, or those under the cursor."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cachetui.tui.session import Session
from cachetui.tui.view.fleet_columns import FACTS
from cachetui.tui.view.fleet_marks import FleetMarks
from cachetui.tui.view.fleet_rows import HOST, CellKey, FleetRow
from cachetui.tui.view.fleet_table import FleetTable
from cachetui.tui.view.picks import Alike, Pick
from cachetui.tui.widgets.grid import Grid


class FleetSelection:
    """The cursor and the marks in the matrix, as cells and runs of the session's audit."""

    def __init__(self, session: Session, table: FleetTable, grid: Grid) -> None:
        self.marks = FleetMarks()
        self._session = session
        self._table = table
        self._grid = grid

    # Cells

    @property
    def cursor(self) -> tuple[FleetRow, str] | None:
        """The row and the column of the cursor: a scenario, or `HOST`, also for a host's facts."""
        at = self._grid.cursor
        row = self._table.rows.get(str(at[0])) if at else None
        if at is None or row is None:
            return None
        return (row, HOST if at[1] in FACTS and self._session.snapshot else str(at[1]))

    def under_cursor(self) -> list[CellKey]:
        """The cells under the cursor, of the first host of a group."""
        if self.cursor is None:
            return []
        row, column = self.cursor
        first = FleetRow(row.key, row.name, row.hosts[:1], row.sign)
        return self._table.keys_of(first, column)

    def marked(self) -> list[CellKey]:
        """The marked cells, in the order of the audit."""
        snapshot = self._session.snapshot
        in_order = [cell.key for cell in snapshot.cells] if snapshot else []
        return [key for key in in_order if key in self.marks.cells]

    def cells(self) -> list[CellKey]:
        """The marked cells, else those under the cursor."""
        return self.marked() if self.marks.cells else self.under_cursor()

    def toggle(self, rows: Iterable[FleetRow], column: str) -> None:
        """Mark the cells of these rows in a column (`HOST`: in all), or unmark them when all are
        marked."""
        self.marks.toggle(key for row in rows for key in self._table.keys_of(row, column))
        self._grid.refresh()

    # Runs

    def run(self) -> Pick | None:
        """One run under the cursor: the first that built, else that ended, else the first."""
        picks = [self._session.pick(key) for key in self.under_cursor()]
        runs = [(pick, self._session.run(pick)) for pick in picks]
        built = [pick for pick, run in runs if run is not None and run.status in ("ok", "failed")]
        ended = [pick for pick, run in runs if run is not None]
        return next(iter(built or ended or picks), None)

    def runs_to_compare(self) -> tuple[Pick, ...]:
        """The runs that have ended; for a single one its peer first."""
        picks = map(self._session.pick, self.cells())
        ended = [pick for pick in picks if self._session.run(pick) is not None]
        if len(ended) == 1:
            peer = self.peer_of(ended[0])
            return (peer, ended[0]) if peer else tuple(ended)
        return tuple(ended)

    def alike(self, picks: Collection[Pick]) -> dict[Pick, Alike]:
        """The groups for picks that stand for one. Marked runs, and two of one group, stand for
        themselves."""
        hosts = {pick.host for pick in picks}
        rows = [
            row
            for row in self._table.rows.values()
            if len(row.hosts) > 1 and len(hosts.intersection(row.hosts)) == 1
        ]
        return {
            pick: Alike.of(row.hosts, row.name)
            for pick in picks
            for row in rows
            if pick.host in row.hosts and not self.marks.cells
        }

    def runs_here(self) -> tuple[tuple[Pick, ...], dict[Pick, Alike]]:
        """What `runs_to_compare` and `alike` say of it."""
        picks = self.runs_to_compare()
        return picks, self.alike(picks)

    def runs_with_images(self) -> tuple[Pick, ...]:
        """The marked runs; else the scenario under the cursor on all hosts, or on a host's name
        all of its runs."""
        session = self._session
        if self.marks.cells:
            return tuple(map(session.pick, self.marked()))
        at = self.cursor
        if at is None or at[1] == HOST:
            return tuple(map(session.pick, self.under_cursor()))
        runs = [run for run in session.runs() if run.scenario == at[1] and run.status == "ok"]
        return tuple(session.pick((run.host, run.scenario, run.repeat)) for run in runs)

    def peer_of(self, pick: Pick) -> Pick | None:
        """A run to show beside this one, of the same scenario: on a host that does
        otherwise, of those that are most; else on any other. None when there is none."""
        runs = [
            run
            for run in self._session.runs()
            if run.scenario == pick.scenario
            and run.repeat == pick.repeat
            and run.host != pick.host
            and run.status in ("ok", "failed")
        ]
        unlike = self._table.agreement.unlike(pick.host, pick.scenario)
        by_host = {run.host: run for run in runs}
        preferred = [by_host[host] for host in unlike if host in by_host]
        peer = next(iter(preferred or runs), None)
        if peer is None:
            return None
        return self._session.pick((peer.host, peer.scenario, peer.repeat))
