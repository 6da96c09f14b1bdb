"""The app: places as modes, and what leads from one to another. The rest is in the screens."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.message import Message
from textual.screen import Screen

from cachetui.tui import keys
from cachetui.tui.actions import Actions
from cachetui.tui.asking import Asker
from cachetui.tui.ports import AuditPort, CoreLoader, CorePort, Loading
from cachetui.tui.preferences import Preferences
from cachetui.tui.screens.place import PLACES, Place
from cachetui.tui.session import Pick, Session
from cachetui.tui.text import clean_line
from cachetui.tui.themes import DARK, LIGHT
from cachetui.tui.widgets.frame import PlaceTabs

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.core import Options
    from cachetui.records.step import StepId

TROUBLE = 2


def _place(module: str, name: str) -> Callable[[], Screen[Any]]:
    """A screen that is imported when one first goes there: a start paints sooner for it."""

    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(
            importlib.import_module(f"cachetui.tui.screens.{module}"), name
        )()
        return screen

    return make


class CachetuiApp(Actions):
    """Looks at one build's audit through several places; the session holds what it looks at."""

    TITLE = "cachetui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar = keys.APP
    MODES: ClassVar = {name: _place(name, f"{title}Place") for name, title in PLACES}
    DEFAULT_MODE = "fleet"
    CLOSE_TIMEOUT = 1.0
    NOTIFICATION_TIMEOUT = 6

    class SessionChanged(Message, bubble=False):
        """There is something to take from the session."""

    class Prepared(Message, bubble=False):
        """An audit was prepared, or could not be."""

        def __init__(self, audit: AuditPort | None, error: Exception | None) -> None:
            super().__init__()
            self.audit = audit
            self.error = error

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
        super().__init__()
        for one in (DARK, LIGHT):
            self.register_theme(one)
        wanted = os.environ.get("TEXTUAL_THEME") or theme
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self._loader = core if callable(core) else None
        self.core = Loading() if callable(core) else core
        self.load_error: BaseException | None = None
        self.session = Session(self.core, self._session_changed)
        self.session.build = build
        self._start_at_once = start
        self._open_first = audit
        self._posted = threading.Event()
        self._way: list[str] = []
        self.asker = Asker(self)
        if keymap:
            self.set_keymap(keymap)

    # Life

    def on_mount(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, ValueError, RuntimeError):
                asyncio.get_running_loop().add_signal_handler(number, self.leave_now)
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
            except BaseException as caught:  # a bad hosts.toml, for one: the caller tells it
                error = caught
            self.call_later(self._loaded, core, error)

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
        self.begin(start=self._start_at_once, audit=self._open_first)

    def _session_changed(self) -> None:
        """Called from any thread: at most one message waits."""
        if not self._posted.is_set():
            self._posted.set()
            self.post_message(self.SessionChanged())

    def on_cachetui_app_session_changed(self) -> None:
        self._posted.clear()
        if self.session.take():
            self.refresh_places()

    def _tick(self) -> None:
        if self.session.running:
            self.session.poll()
            self.refresh_places()

    def refresh_places(self) -> None:
        """Draw the place that is in view again; the others do so when one comes to them."""
        if not self.screen_stack:
            return  # the last word of an audit came while the app was ending
        for screen in self.screen_stack:
            if isinstance(screen, Place):
                screen.refresh_place()
        self.refresh_bindings()

    # Ways between the places

    def go(self, place: str) -> None:
        """Go to a place; `esc` leads back."""
        if place != self.current_mode:
            self._way = [way for way in self._way if way != place] + [self.current_mode]
            self.switch_mode(place)

    def action_place(self, by: int) -> None:
        """Go to the next or previous place."""
        names = [name for name, _ in PLACES]
        self.go(names[(names.index(self.current_mode) + by) % len(names)])

    def action_place_number(self, number: int) -> None:
        """Go to a place by its number, from 1."""
        self.go(PLACES[number - 1][0])

    def on_place_tabs_chosen(self, event: PlaceTabs.Chosen) -> None:
        self.go(PLACES[event.number][0])

    def action_findings(self) -> None:
        """Go to the findings: why runs differ."""
        self.go("findings")

    def action_go_back(self) -> None:
        """Go back to where one came from; from there home."""
        if self._way:
            self.switch_mode(self._way.pop())
        elif self.current_mode != "fleet":
            self.switch_mode("fleet")

    def open_compare(
        self,
        picks: Sequence[Pick],
        step: StepId | None = None,
        names: Mapping[Pick, str] | None = None,
    ) -> None:
        """Compare runs, the first being the baseline."""
        if not picks:
            self.tell("No run has ended here yet; enter opens it once one has.")
            return
        self.session.choose(picks, names=names)
        self.session.step = step
        self.go("compare")

    def open_step(self, step: StepId | None) -> None:
        """Show the logs of a step in the chosen runs."""
        self.session.step = step
        self.session.as_printed = False
        self.go("step")

    def open_log(self, pick: Pick) -> None:
        """Show the whole log of one run, as it was printed."""
        self.session.choose((pick,))
        self.session.step = None
        self.session.as_printed = True
        self.go("step")

    def open_timeline(self, picks: Sequence[Pick]) -> None:
        """Show when the steps of one or two runs were at work."""
        if picks:
            self.session.choose(picks)
        self.go("timeline")

    def open_commands(self, pick: Pick) -> None:
        """Show the commands that ran for a run."""
        from cachetui.tui.screens.command import CommandScreen

        run = self.session.run(pick)
        if run is None:
            self.tell("Its commands are shown once it has ended.")
        else:
            self.push_screen(CommandScreen(run))

    # Words to the user

    def tell(self, text: str, *, severity: str = "information", title: str = "") -> None:
        """A passing message; its text is never markup."""
        level: Any = severity
        self.notify(clean_line(text), title=clean_line(title), severity=level, markup=False)

    # Audits

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
    ) -> None:
        """Prepare an audit in a thread; `Prepared` comes when it is done."""
        self.asker.begin()

        def body() -> None:
            audit: AuditPort | None = None
            error: Exception | None = None
            try:
                audit = self.core.prepare(build, hosts, options)
            except Exception as caught:
                error = caught
            self.post_message(self.Prepared(audit, error))

        self.tell(f"Reading {build.name}…")
        threading.Thread(target=body, daemon=True, name="prepare").start()

    def on_cachetui_app_prepared(self, event: Prepared) -> None:
        from cachetui.tui.screens.dialogs import Notice

        self.clear_notifications()
        if event.audit is None:
            self.push_screen(Notice("The audit cannot start", str(event.error)))
            return
        self.session.start(event.audit)
        self.go("fleet")
        self.refresh_places()


def run_app(
    core: CorePort | CoreLoader,
    liked: Preferences,
    *,
    build: BuildSettings | None = None,
    start: bool = False,
    audit: str | None = None,
) -> int:
    """Run the app until it is left; returns the exit code. Keys and theme are the user's.

    `start` starts an audit of `build` at once; `audit` opens a kept one read-only. Blocked
    threads of an audit do not hold the process: they are daemons, and what they did is stored.

    A function in place of the core is called once the first frame is painted; what it raises is
    raised here when the terminal is as it was.
    """
    app = CachetuiApp(
        core, build=build, start=start, audit=audit, keymap=liked.keys, theme=liked.theme
    )
    result = app.run()
    app.asker.give_up()
    if app.load_error is not None:
        raise app.load_error
    if app.return_code:
        return TROUBLE
    return result or 0
