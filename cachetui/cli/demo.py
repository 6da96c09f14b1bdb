"""`cachetui demo`: a recorded fleet, served over SSH on this machine, in the app or as a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from cachetui.cli.run import run_build_command
from cachetui.demo.fleet import DemoCore, Fleet, build_name, demo_fleet
from cachetui.exit_codes import DIFFERENT, SAME


def demo_command(
    build: str, defaults: Mapping[str, Any], *, speed: float, table: bool, progress: str
) -> int:
    """Show the recorded fleet; `defaults` is what `run` is given by itself, `speed` divides the
    recorded delays. Hosts that differ are what it is there to show, so that is no trouble: exit 0.
    """
    with demo_fleet(speed=speed) as fleet:
        core = fleet.core()
        try:
            if table or not _in_terminal():
                code = _table(fleet, core, build, {**defaults, "progress": progress})
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


def _table(fleet: Fleet, core: DemoCore, build: str, given: dict[str, Any]) -> int:
    """As `cachetui run` does it."""
    for line in introduction(fleet):
        sys.stderr.write(f"{line}\n")
    settings = core.settings.builds[build_name(build)]
    hosts = core.settings.hosts
    code = run_build_command(core, settings, hosts, {**given, "as_found": True})
    sys.stderr.write("On machines of yours: cachetui init, then cachetui run FOLDER\n")
    return code


def introduction(fleet: Fleet) -> list[str]:
    """What is shown here."""
    width = max(len(recording.host) for recording in fleet.recordings)
    engines = [f"  {one.host:<{width}}  {one.engine_text}" for one in fleet.recordings]
    return [f"This is {fleet.note()}.", *engines]
