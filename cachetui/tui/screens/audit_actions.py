"""The app's actions that start something, after a dialog; each is imported when it is asked for."""

from __future__ import annotations

from typing import cast

from cachetui.tui.app_port import AppPort


class AuditActions:
    """A part of the app."""

    @property
    def _port(self) -> AppPort:
        return cast(AppPort, self)

    def action_start(self) -> None:
        """Ask what to run, and run it."""
        from cachetui.tui.screens.start_audit import ask_what_to_run

        ask_what_to_run(self._port)

    def action_peek(self) -> None:
        """Ask which builders' caches to look at, and do it."""
        from cachetui.tui.screens.start_peek import ask_what_to_peek_at

        ask_what_to_peek_at(self._port)

    def action_share(self) -> None:
        """Ask which caches to share between which hosts, and do it."""
        from cachetui.tui.screens.start_share import ask_what_to_share

        ask_what_to_share(self._port)

    def action_choose_build(self) -> None:
        """Choose a build: those of hosts.toml, and Dockerfiles found below the folder."""
        from cachetui.tui.screens.choose_build import choose_build

        choose_build(self._port)

    def action_presets(self) -> None:
        """Compare by a preset."""
        from cachetui.tui.screens.presets import choose_preset

        choose_preset(self._port)
