"""`cachetui demo`: a recorded fleet, served over SSH on this machine, in the app or as a table."""

from __future__ import annotations

import sys

from cachetui.cli.args import RunArgs, ShowArgs
from cachetui.cli.run import run_build_command
from cachetui.demo.fleet import DemoCore, Fleet, build_name, demo_fleet
from cachetui.exit_codes import DIFFERENT, SAME


def demo_command(
    build: str, *, speed: float, table: bool, progress: str, all_tables: bool = False
) -> int:
    """Show the recorded fleet; `speed` divides the recorded delays. Its hosts differ, which is what
    it is there to show: exit code 0."""
    with demo_fleet(speed=speed) as fleet:
        core = fleet.core()
        try:
            if table or not _in_terminal():
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
    show = ShowArgs(all_tables=all_tables)
    args = RunArgs(as_found=True, progress=progress, show=show)
    code = run_build_command(core, settings, core.settings.hosts, args)
    sys.stderr.write("On your own machines: cachetui init, then cachetui run FOLDER\n")
    return code


def introduction(fleet: Fleet) -> list[str]:
    """What the fleet is: a sentence, then a line for each host with its engine."""
    width = max(len(recording.host) for recording in fleet.recordings)
    engines = [
        f"  {recording.host:<{width}}  {recording.engine_text}" for recording in fleet.recordings
    ]
    return [f"This is {fleet.note()}.", *engines]
