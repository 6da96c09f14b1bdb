"""What the app does besides showing: start, stop, leave, copy, export, help.

Dialogs are imported when they are opened: a start paints sooner for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from cachetui.report import units
from cachetui.tui.ports import Loading
from cachetui.tui.screens.place import Place
from cachetui.tui.text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.core import Options
    from cachetui.records.document import Document
    from cachetui.tui.asking import Asker
    from cachetui.tui.ports import CorePort
    from cachetui.tui.session import Session

INTERRUPTED = 130
LEAVE_WITHIN = 1.4
"""Seconds that stopping remote builds may take before the app leaves without them."""

COPY_CAP = 64 * 1024
"""Bytes that are copied at most: terminals drop or choke on longer OSC 52 sequences."""


class Actions(App[int]):
    """The actions of the app; `CachetuiApp` has the rest."""

    core: CorePort
    session: Session
    asker: Asker
    _leave_by: float | None = None

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> None:
        raise NotImplementedError

    def tell(self, text: str, *, severity: str = "information", title: str = "") -> None:
        raise NotImplementedError

    def go(self, place: str) -> None:
        raise NotImplementedError

    def refresh_places(self) -> None:
        raise NotImplementedError

    # Time

    def now(self) -> float:
        """Seconds since the epoch. Pictures for tests and docs set it."""
        return time.time()

    def moment(self, at: float) -> str:
        """A day and time for people, in local time."""
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")

    # Beginning

    def begin(self, *, start: bool, audit: str | None) -> None:
        """What was asked for on the command line; else what a first-time user needs."""
        for warning in self.core.store.warnings:
            self.tell(warning, severity="warning")
        if audit is not None:
            self.open_audit(audit)
        elif not self.session.hosts:
            from cachetui.tui.screens.first_run import FirstRun

            self.push_screen(FirstRun(self.core))
        elif self.session.build is None:
            if len(self.core.settings.builds) == 1:
                self.session.build = next(iter(self.core.settings.builds.values()))
                self.refresh_places()
        elif start:
            self._start_with_defaults()

    def _start_with_defaults(self) -> None:
        from cachetui.core import Options

        if self.session.build is not None:
            self.prepare(self.session.build, self.session.hosts, Options(scenarios=None))

    def open_audit(self, audit: str) -> None:
        """Look at a kept audit; it is read in a thread."""

        def body() -> None:
            document = self.core.store.audit(audit)
            self.call_later(self._opened, audit, document)

        import threading

        threading.Thread(target=body, daemon=True, name="open").start()

    def _opened(self, audit: str, document: Document | None) -> None:
        if document is None:
            self.tell(f"Audit {audit} is not in the store.", severity="error")
            return
        if self.session.running:
            self.tell("An audit is running; stop it first (x).", severity="warning")
            return
        self.session.open(document)
        self.go("fleet")
        self.refresh_places()

    # Starting and stopping

    def action_choose_build(self) -> None:
        """Choose a build: those of hosts.toml, and Dockerfiles found below the folder."""
        from cachetui.tui.screens.choose import choose_build

        choose_build(self)

    def action_start(self) -> None:
        """Ask what to run, and run it."""
        if isinstance(self.core, Loading):
            return
        if self.session.running:
            self.tell("An audit is running; x stops it.", severity="warning")
            return
        if not self.session.hosts:
            from cachetui.tui.screens.first_run import FirstRun

            self.push_screen(FirstRun(self.core))
        elif self.session.build is None:
            self.action_choose_build()
        else:
            from cachetui.tui.screens.start import StartDialog

            self.push_screen(StartDialog(self.session, *self.chosen()), self._start_chosen)

    def chosen(self) -> tuple[Sequence[HostSettings], set[str]]:
        """The hosts that are marked in Fleet, else all; and the scenarios that are, if not all."""
        from cachetui.tui.screens.fleet import FleetPlace

        marked: set[str] = set()
        scenarios: set[str] = set()
        for screen in self.screen_stack:
            if isinstance(screen, FleetPlace):
                marked, scenarios = screen.marked_hosts(), screen.marked_scenarios()
        hosts = self.session.hosts
        return [host for host in hosts if not marked or host.name in marked] or hosts, scenarios

    def _start_chosen(self, chosen: tuple[Sequence[HostSettings], Options] | None) -> None:
        if chosen is not None and self.session.build is not None:
            self.prepare(self.session.build, *chosen)

    def action_presets(self) -> None:
        """Compare by a preset."""
        from cachetui.tui.screens.choose import choose_preset

        choose_preset(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is possible now, for the foot, the help and the palette."""
        del parameters
        if action in ("start", "choose_build"):
            return not self.session.running and not isinstance(self.core, Loading)
        return True

    def action_outputs(self) -> None:
        """Show whether the images are the same, and which files differ."""
        from cachetui.tui.screens.outputs_choice import picks_here

        self.session.outputs = picks_here(self)
        self.go("outputs")

    # Leaving

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Leave; while an audit runs, ask once, then stop it and leave within two seconds."""
        from cachetui.tui.screens.dialogs import Leave

        if not self.session.running or isinstance(self.screen, Leave):
            self.leave_now()
            return
        self.push_screen(Leave(), self._leave_answered)

    def _leave_answered(self, leave: bool | None) -> None:
        if leave:
            self.leave_now()

    def leave_now(self) -> None:
        """Stop what runs and leave as soon as it has stopped, or when its time is up."""
        if self._leave_by is not None:
            return
        self.asker.give_up()
        self._leave_by = time.monotonic() + LEAVE_WITHIN
        if not self.session.running:
            self.exit(0)
            return
        self.session.stop()
        self.tell("Stopping the builds…", severity="warning")
        self.set_interval(0.05, self._leave_when_stopped)

    def _leave_when_stopped(self) -> None:
        late = self._leave_by is not None and time.monotonic() > self._leave_by
        if late or not self.session.running:
            self.exit(INTERRUPTED)

    # Copying, exporting, help

    def action_copy(self) -> None:
        """Copy what the cursor is on, by OSC 52."""
        text = self.screen.copy_text() if isinstance(self.screen, Place) else None
        if text:
            self.copy(text)
        else:
            self.tell("Nothing to copy here.")

    def copy(self, text: str) -> None:
        """Copy text, up to what terminals take."""
        data = text.encode("utf-8", "replace")
        kept = data[:COPY_CAP].decode("utf-8", "ignore")
        self.copy_to_clipboard(kept)
        if len(data) > COPY_CAP:
            left_out = units.size(len(data) - COPY_CAP)
            words = f"Copied the first 64 KiB; {left_out} more were left out"
        elif "\n" in kept:
            words = f"Copied {len(kept.splitlines())} lines"
        else:
            words = f"Copied: {cut(kept, 200)}"
        self.tell(words)

    def action_export(self) -> None:
        """Export what is on the screen."""
        from cachetui.tui.screens.export import ExportDialog

        place = self.screen
        if not isinstance(place, Place):
            return
        document = place.exported()
        if document is None:
            self.tell("There is no audit to export yet.")
            return
        self.push_screen(
            ExportDialog(document, self.core, Path(os.getcwd()), text=place.exported_text())
        )

    def action_help(self) -> None:
        """Every key of this place, and what the signs mean."""
        from cachetui.tui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the place and of the app, by its description."""
        from cachetui.tui.palette import commands

        yield from commands(self, screen)

    def _fatal_error(self) -> None:
        """As Textual's, without the values of local variables: they may hold secrets."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()
