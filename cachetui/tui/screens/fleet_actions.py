"""What can be done from Fleet with runs and hosts: stop, run again, look at one run."""

from __future__ import annotations

from cachetui.report import units
from cachetui.tui.matrix import HOST, FleetRow, Outlook
from cachetui.tui.ports import Key
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.widgets.grid import Grid


class FleetActions(Place):
    """The part of Fleet that acts; `FleetPlace` shows, and says what an action is meant for."""

    marked: set[Key]
    outlook: Outlook
    _marked_idle: set[str]
    _rows: dict[str, FleetRow]

    def under_cursor(self) -> list[Key]:
        """The cells under the cursor."""
        raise NotImplementedError

    def keys_of(self, entry: FleetRow, column: str) -> list[Key]:
        """The cells of a row: of one scenario, or (`HOST`) all."""
        raise NotImplementedError

    def action_mark(self) -> None:
        """Mark or unmark what the cursor is on, and go down."""
        grid = self.query_one(Grid)
        at = grid.cursor
        entry = self._rows.get(str(at[0])) if at else None
        if at is None or entry is None:
            return
        if self.session.snapshot is None:
            self._marked_idle ^= {entry.key}
        self._turn(set(self.keys_of(entry, str(at[1]))))
        grid.move_to(grid.row + 1)

    def action_mark_all(self) -> None:
        """Mark every cell in view; unmark when all are."""
        self._turn({key for entry in self._rows.values() for key in self.keys_of(entry, HOST)})

    def action_mark_column(self) -> None:
        """Mark the scenario under the cursor on every host in view; unmark when all are."""
        at = self.query_one(Grid).cursor
        if at is not None:
            rows = self._rows.values()
            self._turn({key for entry in rows for key in self.keys_of(entry, str(at[1]))})

    def _turn(self, wanted: set[Key]) -> None:
        """Mark these cells; unmark them when all of them are."""
        self.marked = self.marked - wanted if wanted <= self.marked else self.marked | wanted
        self.query_one(Grid).refresh()

    def marked_scenarios(self) -> set[str]:
        """Scenarios that have a mark; none where all have."""
        found = {scenario for _, scenario, _ in self.marked}
        snapshot = self.session.snapshot
        return set() if snapshot is None or found >= set(snapshot.scenarios) else found

    def targets(self) -> list[Key]:
        """The cells that an action is meant for: those marked, else those under the cursor."""
        if not self.marked:
            return self.under_cursor()
        snapshot = self.session.snapshot
        order = [cell.key for cell in snapshot.cells] if snapshot else []
        return [key for key in order if key in self.marked]

    def marked_hosts(self) -> set[str]:
        """Names of hosts that have a mark."""
        return {key[0] for key in self.marked} | self._marked_idle

    def action_stop(self) -> None:
        """Stop the hosts that are marked, or all after a question."""
        from cachetui.compare.groups import fold
        from cachetui.tui.screens.dialogs import Confirm

        hosts = sorted(self.marked_hosts())
        if hosts:
            self.session.stop(hosts)
            self.home.tell(f"Stopping {fold(hosts)}…", severity="warning")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.session.stop()
                self.refresh_place()

        self.app.push_screen(
            Confirm(
                "Stop the audit?",
                "Builds that run are stopped; what has ended is kept.",
                "Stop all",
                "Go on",
            ),
            answered,
        )

    def action_rerun(self) -> None:
        """Run the marked cells again, or all that failed."""
        snapshot = self.session.snapshot
        if snapshot is None or self.session.audit is None:
            self.home.tell("This audit is kept, and only read: r starts a new one.")
            return
        failed = ("failed", "unreachable", "cancelled")
        wanted = (
            self.targets()
            if self.marked
            else [cell.key for cell in snapshot.cells if cell.state in failed]
        )
        if not wanted:
            self.home.tell("Nothing failed; mark (space) what shall run again.")
            return
        self.home.asker.begin()
        self.session.rerun(wanted)
        self.marked.clear()
        self.home.tell(f"Running {units.count(len(wanted), 'run')} again…")
        self.refresh_place()

    def picked(self) -> Pick | None:
        """The run under the cursor; on a host's name the first that built, else its first."""
        own = [self.session.pick(key) for key in self.under_cursor()]
        runs = [(pick, self.session.run(pick)) for pick in own]
        built = [pick for pick, run in runs if run is not None and run.status in ("ok", "failed")]
        ended = [pick for pick, run in runs if run is not None]
        return next(iter(built or ended or own), None)

    def action_live_log(self) -> None:
        """Show the log of the run under the cursor, as far as it has come."""
        pick = self.picked()
        if pick is not None:
            self.home.open_log(pick)

    def action_timeline(self) -> None:
        """Show the run under the cursor on a time axis."""
        pick = self.picked()
        if pick is not None and self.session.run(pick) is not None:
            peer = self.peer(pick)
            self.home.open_timeline((peer, pick) if peer else (pick,))
        else:
            self.home.tell("It is shown once it has ended.")

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        pick = self.picked()
        if pick is not None:
            self.home.open_commands(pick)

    def to_compare(self, targets: list[Key]) -> tuple[Pick, ...]:
        """What to compare: the marked runs, else the run beside one that is as most are."""
        session = self.session
        ended = [session.pick(key) for key in targets]
        ended = [pick for pick in ended if session.run(pick) is not None]
        if len(ended) == 1:
            peer = self.peer(ended[0])
            return (peer, ended[0]) if peer else tuple(ended)
        return tuple(ended)

    def peer(self, pick: Pick) -> Pick | None:
        """A run of the same scenario on a host that is as most are; for such a host an odd one."""
        runs = [
            run
            for run in self.session.runs()
            if run.scenario == pick.scenario
            and run.repeat == pick.repeat
            and run.host != pick.host
            and run.status in ("ok", "failed")
        ]
        is_odd = (pick.host, pick.scenario) in self.outlook.odd
        wanted = [r for r in runs if ((r.host, r.scenario) in self.outlook.odd) != is_odd]
        chosen = next(iter(wanted or runs), None)
        if chosen is None:
            return None
        return self.session.pick((chosen.host, chosen.scenario, chosen.repeat))
