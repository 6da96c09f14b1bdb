"""The app: its places as modes, the ways between them, starting and leaving."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.message import Message
from textual.screen import Screen

from cachetui.exit_codes import INTERRUPTED, TROUBLE
from cachetui.tui.background import call_soon
from cachetui.tui.core_port import CoreLoader, CorePort, LoadingCore
from cachetui.tui.preferences import Preferences, keep_choices
from cachetui.tui.screens.audit_actions import AuditActions
from cachetui.tui.screens.leave import Leaving
from cachetui.tui.screens.place import PLACES, Place
from cachetui.tui.screens.ssh_prompts import SshPrompts
from cachetui.tui.screens.ways import Ways
from cachetui.tui.session import Session
from cachetui.tui.terminal_end import END_WITHIN, Driver, ending
from cachetui.tui.view import keys
from cachetui.tui.view.clipboard import clip
from cachetui.tui.view.text import clean_line
from cachetui.tui.view.themes import DARK, LIGHT
from cachetui.tui.widgets.frame import PlaceTabs

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings


def _place(module: str, class_name: str) -> Callable[[], Screen[Any]]:
    """Makes a place, whose module is imported when it is first shown: the app starts sooner."""

    def make() -> Screen[Any]:
        screens = importlib.import_module(f"cachetui.tui.screens.{module}")
        screen: Screen[Any] = getattr(screens, class_name)()
        return screen

    return make


class CachetuiApp(AuditActions, App[int]):
    """Shows one build's audit in several places; the session holds what they show. Dialogs are
    imported when they are opened: the app starts sooner."""

    TITLE = "cachetui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar = keys.APP
    MODES: ClassVar = {name: _place(name, f"{title}Place") for name, title in PLACES}
    DEFAULT_MODE = "fleet"
    CLOSE_TIMEOUT = 1.0
    NOTIFICATION_TIMEOUT = 6

    class SessionChanged(Message, bubble=False):
        """The session has something new to take."""

    def __init__(
        self,
        core: CorePort | CoreLoader,
        *,
        build: BuildSettings | None = None,
        start: bool = False,
        audit: str | None = None,
        keymap: dict[str, str] | None = None,
        theme: str | None = None,
    ) -> None:
        super().__init__(driver_class=Driver)
        for own_theme in (DARK, LIGHT):
            self.register_theme(own_theme)
        wanted = os.environ.get("TEXTUAL_THEME") or theme
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self._loader = core if callable(core) else None
        self.core: CorePort = LoadingCore() if callable(core) else core
        self.load_error: BaseException | None = None
        self.session = Session(self.core, self._session_changed)
        self.session.build = build
        self._start_at_once = start
        self._audit_to_open = audit
        self._change_posted = threading.Event()
        self._ways = Ways(self)
        self.asker = SshPrompts(self)
        self._leaving = Leaving(self)
        if keymap:
            self.set_keymap(keymap)

    # Loading, and following the session

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._load)

    def _load(self) -> None:
        """Load the core in a thread, once something is on the screen."""
        if self._loader is None:
            self._loaded(self.core, None)
            return
        loader = self._loader

        def body() -> None:
            core: CorePort | None = None
            error: BaseException | None = None
            try:
                core = loader()
            except BaseException as caught:  # such as a wrong hosts.toml: the caller prints it
                error = caught
            call_soon(self, self._loaded, core, error)

        threading.Thread(target=body, daemon=True, name="load").start()

    def _loaded(self, core: CorePort | None, error: BaseException | None) -> None:
        if core is None:
            self.load_error = error
            self.exit(TROUBLE)
            return
        self.core = core
        core.asker = self.asker
        self.session.adopt(core)
        self.refresh_places()
        from cachetui.tui.screens.start_audit import begin

        begin(self, start=self._start_at_once, audit=self._audit_to_open)

    def _session_changed(self) -> None:
        """Called from any thread: at most one message waits."""
        if not self._change_posted.is_set():
            self._change_posted.set()
            with suppress(RuntimeError):  # the app has ended, its event loop is closed
                self.post_message(self.SessionChanged())

    def on_cachetui_app_session_changed(self) -> None:
        self._change_posted.clear()
        if self.session.take():
            self.refresh_places()
        for sentence in self.session.take_said():
            self.tell(sentence)

    def _tick(self) -> None:
        if self.session.running:
            self.session.poll()
            self.refresh_places()

    def refresh_places(self) -> None:
        """Draw the place in view again; the others are drawn when they come into view."""
        if not self.screen_stack:
            return  # the last event of an audit came while the app was ending
        for screen in self.screen_stack:
            if isinstance(screen, Place):
                screen.refresh_place()
        self.refresh_bindings()

    # Ways between the places

    def go(self, place: str) -> None:
        """Go to a place; `esc` leads back, at last to Fleet."""
        self._ways.go(place)

    def action_place(self, by: int) -> None:
        """Go to the next or previous place."""
        here = [name for name, _ in PLACES].index(self.current_mode)
        self.go(PLACES[(here + by) % len(PLACES)][0])

    def action_place_number(self, number: int) -> None:
        """Go to a place by its number, from 1."""
        self.go(PLACES[number - 1][0])

    def on_place_tabs_chosen(self, event: PlaceTabs.Chosen) -> None:
        self.go(PLACES[event.number][0])

    def action_findings(self) -> None:
        """Go to the findings: why runs differ; on that of what the cursor is on."""
        here = self.screen
        self.session.reason = here.reason_here() if isinstance(here, Place) else None
        self.go("findings")

    def action_outputs(self) -> None:
        """Show whether the images are the same, and which files differ."""
        here = self.screen
        self.session.outputs = here.runs_for_outputs() if isinstance(here, Place) else ()
        self.go("outputs")

    def action_go_back(self) -> None:
        """Go back to the previous place; from the first one to Fleet, and from there nowhere."""
        self._ways.back()

    # Audits

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is possible now, for the foot, the help and the palette."""
        del parameters
        if action == "findings":
            return self.current_mode != "findings"
        if action in ("start", "peek", "choose_build", "share"):
            return not self.session.running and not isinstance(self.core, LoadingCore)
        return True

    # Leaving

    async def action_quit(self) -> None:
        self.action_leave()

    def action_close_top(self) -> None:
        """Close the place on top; in Fleet leave, after a question."""
        if not self._ways.back():
            self._leaving.ask(always=True)

    def action_leave(self) -> None:
        """Leave; while an audit runs, ask once, then stop it and leave within two seconds."""
        self._leaving.ask()

    def leave_now(self) -> None:
        """Leave without asking; the hosts have more time to be tidied up, since nobody waits."""
        self._leaving.leave(within=END_WITHIN - 1)

    def stop_and_keep(self) -> None:
        """Stop the audit, and keep what it has brought so far. From any thread."""
        self.session.stop()
        self.session.keep()

    # Messages, copying, exporting, help

    def now(self) -> float:
        """Seconds since the epoch. Pictures for tests and docs set it."""
        return time.time()

    def moment(self, at: float) -> str:
        """A day and time for people, in local time."""
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")

    def tell(self, text: str, *, severity: str = "information", title: str = "") -> None:
        """Show a passing message; its text is never markup."""
        level: Any = severity
        self.notify(clean_line(text), title=clean_line(title), severity=level, markup=False)

    def action_copy(self) -> None:
        """Copy what the cursor is on, by OSC 52."""
        text = self.screen.copy_text() if isinstance(self.screen, Place) else None
        if text:
            self.copy(text)
        else:
            self.tell("Nothing to copy here.")

    def copy(self, text: str) -> None:
        """Copy text, up to what terminals take."""
        copied, message = clip(text)
        self.copy_to_clipboard(copied)
        self.tell(message)

    def action_export(self) -> None:
        """Export what is on the screen."""
        from cachetui.tui.screens.export import ask_where_to_export

        if isinstance(self.screen, Place):
            ask_where_to_export(self, self.screen)

    def action_help(self) -> None:
        """Show every key of this place, and what the signs mean."""
        from cachetui.tui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the place and of the app, by its description."""
        from cachetui.tui.screens.palette import commands

        yield from commands(self, screen)

    def _fatal_error(self) -> None:
        """As Textual's, without the values of local variables: they may hold secrets."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        trace = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()


def run_app(
    core: CorePort | CoreLoader,
    preferences: Preferences,
    *,
    build: BuildSettings | None = None,
    start: bool = False,
    audit: str | None = None,
) -> int:
    """Run the app until the user leaves it. Returns the exit code.

    `start` starts an audit of `build` at once; `audit` opens a stored one. Blocked threads of an
    audit do not hold the process: they are daemons, and what they did is stored.
    A function in place of the core is called once the first frame is painted; what it raises is
    raised here, after the terminal is restored.
    """
    app = CachetuiApp(
        core,
        build=build,
        start=start,
        audit=audit,
        keymap=preferences.keys,
        theme=preferences.theme,
    )
    keep_choices(app, app.session, preferences)
    result: int | None = None
    with ending(app) as ended:
        try:
            result = app.run()
        except OSError:
            if not ended.is_set():
                raise
    app.asker.give_up()
    if ended.is_set():
        app.stop_and_keep()
        return INTERRUPTED
    if app.load_error is not None:
        raise app.load_error
    if app.return_code:
        return TROUBLE
    return result or 0
