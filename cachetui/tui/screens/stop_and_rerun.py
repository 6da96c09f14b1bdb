"""What Fleet does with runs: stop them, and run them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cachetui.report import units
from cachetui.tui.app_port import AppPort
from cachetui.tui.view.fleet_rows import CellKey

_FAILED = ("failed", "unreachable", "cancelled")
"""States of cells that are run again unless cells are marked."""


def stop(app: AppPort, hosts: Collection[str], stopped: Callable[[], None]) -> None:
    """Stop the builds on these hosts; for no hosts ask, then stop all and call `stopped`."""
    from cachetui.compare.groups import fold
    from cachetui.tui.screens.dialogs import Confirm

    if hosts:
        app.session.stop(sorted(hosts))
        app.tell(f"Stopping {fold(sorted(hosts))}…", severity="warning")
        return

    def answered(yes: bool | None) -> None:
        if yes:
            app.session.stop()
            stopped()

    app.push_screen(
        Confirm(
            "Stop the audit?",
            "Running builds are stopped; runs that have ended are stored.",
            "Stop all",
            "Go on",
        ),
        answered,
    )


def rerun(app: AppPort, marked: Sequence[CellKey]) -> bool:
    """Run the marked cells again, or all that failed. Returns whether anything runs."""
    snapshot = app.session.snapshot
    if snapshot is None or app.session.audit is None:
        app.tell("Stored audit (read-only). Press r to start a new one.")
        return False
    document = app.session.current()
    if document is not None and document.share is not None:
        app.tell("An experiment with shared caches runs again only as a whole: S starts it.")
        return False
    wanted = marked or [cell.key for cell in snapshot.cells if cell.state in _FAILED]
    if not wanted:
        app.tell("Nothing failed. Mark runs with space to rerun them.")
        return False
    app.asker.begin()
    app.session.rerun(wanted)
    app.tell(f"Running {units.count(len(wanted), 'run')} again…")
    return True
