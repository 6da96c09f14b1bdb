"""The terminal app: shows one build's audit, live or stored. The only package that imports Textual.

The core comes in (its types are in `core_port`), the exit code goes out. Screens compose widgets,
and both draw what `view` makes of records and snapshots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings
    from cachetui.tui.core_port import CoreLoader, CorePort


def run_app(
    core: CorePort | CoreLoader,
    *,
    build: BuildSettings | None = None,
    start: bool = False,
    audit: str | None = None,
) -> int:
    """Run the app until the user leaves it; returns the exit code. See `cachetui.tui.app.run_app`.

    `core` can be a function that makes the core: it is called once something is on the screen.
    Raises ConfigError for wrong preferences.
    """
    from cachetui.tui.first_frame import first_frame

    with first_frame():
        from cachetui.tui import app, preferences

        loaded = preferences.load()
    return app.run_app(core, loaded, build=build, start=start, audit=audit)
