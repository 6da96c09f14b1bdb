"""Leaving the app: the question while an audit runs, then stopping it within a short time."""

from __future__ import annotations

import time

from cachetui.exit_codes import INTERRUPTED
from cachetui.tui.app_port import AppPort

LEAVE_WITHIN = 1.4
"""Seconds that stopping remote builds may take before the app leaves without them."""


class Leaving:
    """Leaves the app; stops a running audit first."""

    def __init__(self, app: AppPort) -> None:
        self._app = app
        self._leave_by: float | None = None

    def ask(self, *, always: bool = False) -> None:
        """Leave; while an audit runs, or `always`, ask first. A second call is the answer yes."""
        from cachetui.tui.screens.dialogs import Leave

        running = self._app.session.running
        if isinstance(self._app.screen, Leave) or not (running or always):
            self.leave()
            return
        self._app.push_screen(Leave(running=running), lambda leave: self.leave() if leave else None)

    def leave(self, within: float = LEAVE_WITHIN) -> None:
        """Stop the audit, and leave as soon as it has stopped or its time, in seconds, is up."""
        if self._leave_by is not None:
            return
        self._app.asker.give_up()
        self._app.session.asked.stop()
        self._leave_by = time.monotonic() + within
        if not self._app.session.running:
            self._app.exit(0)
            return
        self._app.session.stop()
        self._app.tell("Stopping the builds…", severity="warning")
        self._app.set_interval(0.05, self._leave_when_stopped)

    def _leave_when_stopped(self) -> None:
        late = self._leave_by is not None and time.monotonic() > self._leave_by
        if late or not self._app.session.running:
            self._app.exit(INTERRUPTED)
