"""`cachetui demo`: a recorded fleet, served over SSH on this machine, in the app or as a table."""

from __future__ import annotations

import sys

from cachetui.cli.args import RunArgs, ShowArgs
from cachetui.cli.run import run_build_command
from cachetui.cli.show import show
from cachetui.demo.fleet import DemoCore, Fleet, build_name, demo_fleet
from cachetui.demo.shared import SHARED
from cachetui.exit_codes import DIFFERENT, SAME


def demo_command(
    build: str, *, speed: float, table: bool, progress: str, all_tables: bool = False
) -> int:
    """Show the recorded fleet; `speed` divides the recorded delays. Its hosts differ, which is what
    it is there to show: exit code 0."""
    with demo_fleet(speed=speed) as fleet:
        core = fleet.core()
        try:
            if build == SHARED:
                code = _shared(core, table=table or not _in_terminal(), all_tables=all_tables)
            elif table or not _in_terminal():
                code = _table(fleet, core, build, progress, all_tables)
            else:
                code = _app(core, build)
        finally:
            core.store.close()
    return SAME if code == DIFFERENT else code


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _app(core: DemoCore, build: str) -> int:
    from cachetui.tui import run_app

    return run_app(core, build=core.settings.builds[build_name(build)], start=True)


def _table(fleet: Fleet, core: DemoCore, build: str, progress: str, all_tables: bool) -> int:
    """What `cachetui run --as-found` prints, under an introduction."""
    for line in introduction(fleet):
        sys.stderr.write(f"{line}\n")
    settings = core.settings.builds[build_name(build)]
    args = RunArgs(as_found=True, progress=progress, show=ShowArgs(all_tables=all_tables))
    code = run_build_command(core, settings, core.settings.hosts, args)
    sys.stderr.write("On your own machines: cachetui init, then cachetui run FOLDER\n")
    return code


def _shared(core: DemoCore, *, table: bool, all_tables: bool) -> int:
    """The recorded experiment with shared caches, as `cachetui share` prints it or in the app."""
    document = core.store.audit(core.shared_audit)
    assert document is not None
    if not table:
        from cachetui.tui import run_app

        return run_app(core, audit=core.shared_audit)
    sys.stderr.write(f"This is {document.notes[0]}.\n")
    show(document, core.findings(document), None, core.store, ShowArgs(all_tables=all_tables))
    sys.stderr.write("On your own machines: cachetui share FOLDER --registry REF\n")
    return SAME


def introduction(fleet: Fleet) -> list[str]:
    """What the fleet is: a sentence, then a line for each host with its engine."""
    width = max(len(recording.host) for recording in fleet.recordings)
    engines = [
        f"  {recording.host:<{width}}  {recording.engine_text}" for recording in fleet.recordings
    ]
    return [f"This is {fleet.note()}.", *engines]
