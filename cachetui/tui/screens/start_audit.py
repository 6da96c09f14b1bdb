"""Starting an audit, opening a stored one, and what the app does first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from cachetui.tui.app_port import AppPort
from cachetui.tui.background import call_soon, run_in_background
from cachetui.tui.core_port import AuditPort, LoadingCore
from cachetui.tui.screens.place import Place

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.core import Options
    from cachetui.hosts.machine import Cancel
    from cachetui.records.document import Document
    from cachetui.tui.screens.start_dialog import WhatToRun

_T = TypeVar("_T")


def begin(app: AppPort, *, start: bool, audit: str | None) -> None:
    """Do what the command line asked for, once the core is loaded; else help a new user.

    `start` starts an audit of the session's build, `audit` opens a stored one.
    """
    session = app.session
    for warning in app.core.store.warnings:
        app.tell(warning, severity="warning")
    if audit is not None:
        open_audit(app, audit)
    elif not session.hosts:
        _show_first_run(app)
    elif session.build is not None and start:
        from cachetui.core import Options

        run_audit(app, session.build, session.hosts, Options(scenarios=None))
    else:
        if session.build is None and len(app.core.settings.builds) == 1:
            session.build = next(iter(app.core.settings.builds.values()))
        session.asked.begin(session.hosts)
        app.refresh_places()


def build_to_start(app: AppPort) -> BuildSettings | None:
    """The build of which an audit can start now. None where it cannot: then the user is told so,
    or asked for hosts or a build."""
    session = app.session
    if isinstance(app.core, LoadingCore):
        return None
    if session.running:
        app.tell("An audit is running; x stops it.", severity="warning")
    elif not session.hosts:
        _show_first_run(app)
    elif session.build is None:
        from cachetui.tui.screens.choose_build import choose_build

        choose_build(app)
    elif session.build.names_no_target:
        from cachetui.tui.screens.choose_build import choose_target

        choose_target(app, session.build, lambda build: _start_with(app, build))
    else:
        return session.build
    return None


def _start_with(app: AppPort, build: BuildSettings) -> None:
    app.session.build = build
    ask_what_to_run(app)


def ask_what_to_run(app: AppPort, *, outputs: bool = False) -> None:
    """Ask which scenarios to run how often, and run them; first for hosts and a build if there
    are none. `outputs`: whether reading the images is turned on at first."""
    build = build_to_start(app)
    if build is None:
        return
    from cachetui.tui.screens.start_dialog import StartDialog

    def chosen(what: WhatToRun | None) -> None:
        if what is not None:
            run_audit(app, build, *what)

    hosts, scenarios = hosts_to_start(app), _marked_scenarios(app)
    app.push_screen(StartDialog(build, hosts, scenarios, outputs=outputs), chosen)


def hosts_to_start(app: AppPort) -> Sequence[HostSettings]:
    """The hosts that are marked in the place in view, else all."""
    marked = {name for place in _places(app) for name in place.marked_hosts()}
    everywhere = app.session.hosts
    return [host for host in everywhere if host.name in marked] or everywhere


def _marked_scenarios(app: AppPort) -> set[str]:
    """The scenarios that are marked, else those of the open audit of the build; none for all."""
    marked = {name for place in _places(app) for name in place.marked_scenarios()}
    snapshot, build = app.session.snapshot, app.session.build
    if not marked and snapshot is not None and build is not None and build.name == snapshot.build:
        return set(snapshot.scenarios)
    return marked


def _places(app: AppPort) -> list[Place]:
    return [screen for screen in app.screen_stack if isinstance(screen, Place)]


def _show_first_run(app: AppPort) -> None:
    from cachetui.tui.screens.first_run import FirstRun

    app.push_screen(FirstRun(app.core))


def run_audit(
    app: AppPort, build: BuildSettings, hosts: Sequence[HostSettings], options: Options
) -> None:
    """Prepare an audit in a thread, then run it and show it in Fleet."""
    prepare_in_background(
        app,
        f"Reading {build.name}…",
        lambda: app.core.prepare(build, hosts, options),
        lambda audit: show_started(app, _checked(app, audit) if options.check_stale else audit),
        trouble="The audit cannot start",
    )


MOST_TOLD = 4
"""Lines on what imports brought that are told when an audit ends."""


def _checked(app: AppPort, audit: AuditPort) -> AuditPort:
    """The audit that compares at its end what imports brought, and tells it."""
    from cachetui.report.clean import clean_line
    from cachetui.report.stale import stale_lines
    from cachetui.tui.stale_checked import StaleChecked

    def check(document: Document, cancel: Cancel) -> Document:
        document = app.core.checked_for_stale(document, cancel)
        for said in stale_lines(document)[:MOST_TOLD]:
            call_soon(app, app.tell, clean_line(said))
        return document

    return StaleChecked(audit, check)


def prepare_in_background(
    app: AppPort,
    saying: str,
    prepare: Callable[[], _T],
    prepared: Callable[[_T], object],
    *,
    trouble: str,
) -> None:
    """Prepare what is to start in a thread, and tell so (`saying`) until it is `prepared`. What it
    raises is shown with its remedy under the heading `trouble`."""
    app.asker.begin()
    app.tell(saying)

    def done(result: _T) -> None:
        app.clear_notifications()
        prepared(result)

    def failed(error: Exception) -> None:
        from cachetui.tui.screens.dialogs import Notice

        app.clear_notifications()
        remedy = getattr(error, "remedy", "")
        app.push_screen(Notice(trouble, f"{error}\n{remedy}" if remedy else str(error)))

    run_in_background(app, "prepare", prepare, done, failed)


def show_started(app: AppPort, audit: AuditPort) -> None:
    """Run a prepared audit, and show it in Fleet."""
    app.session.start(audit)
    app.go("fleet")
    app.refresh_places()


def open_audit(app: AppPort, audit: str) -> None:
    """Show a stored audit in Fleet, one that shared caches in Share; it is read in a thread."""

    def read(document: Document | None) -> None:
        if document is None:
            app.tell(f"Audit {audit} is not in the store.", severity="error")
        elif app.session.running:
            app.tell("An audit is running; stop it first (x).", severity="warning")
        else:
            app.session.open(document)
            app.go("fleet" if document.share is None else "share")
            app.refresh_places()

    def failed(error: Exception) -> None:
        app.tell(f"Audit {audit} cannot be read: {error}", severity="error")

    run_in_background(app, "open", lambda: app.core.store.audit(audit), read, failed)
