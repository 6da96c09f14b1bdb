"""The terminal app. Nothing outside this package imports textual.

Screens compose, widgets draw; both read frozen snapshots and hold no logic. What they know of
the core is in `ports`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings
    from cachetui.tui.ports import CoreLoader, CorePort


def run_app(
    core: CorePort | CoreLoader,
    *,
    build: BuildSettings | None = None,
    start: bool = False,
    audit: str | None = None,
) -> int:
    """Run the app until it is left; returns the exit code. See `cachetui.tui.app.run_app`.

    `core` can be a function that makes it: it is called once something is on the screen. Raises
    ConfigError for preferences that are wrong.
    """
    from cachetui.tui.first_frame import first_frame

    with first_frame():
        from cachetui.tui import app, preferences

        liked = preferences.load()
    return app.run_app(core, liked, build=build, start=start, audit=audit)
