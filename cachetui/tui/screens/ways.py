"""The way from place to place, and back."""

from __future__ import annotations

from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.open_runs import take_what_is_here

ROOT = "fleet"
"""The place from which `esc` leads nowhere."""


class Ways:
    """Goes to places, and remembers by which the user came."""

    def __init__(self, app: AppPort) -> None:
        self._app = app
        self._back_stack: list[str] = []

    def go(self, place: str) -> None:
        """Go to a place; `back` leads back, at last to `ROOT`."""
        here = self._app.current_mode
        if place == here:
            return
        take_what_is_here(self._app, place)
        if place == ROOT:
            self._back_stack.clear()
        else:
            self._back_stack = [name for name in self._back_stack if name != place]
            self._back_stack.append(here)
        self._app.switch_mode(place)

    def back(self) -> bool:
        """Go back to the previous place; from the first one to `ROOT`. Returns whether there was
        one to go to."""
        if self._app.current_mode == ROOT:
            return False
        self._app.switch_mode(self._back_stack.pop() if self._back_stack else ROOT)
        return True
