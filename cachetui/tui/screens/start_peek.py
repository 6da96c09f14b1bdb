"""Starting a peek: the dialog, the question about cache mounts, and the way to Fleet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetui.tui.app_port import AppPort
from cachetui.tui.background import run_in_background
from cachetui.tui.core_port import AuditPort, whole_store
from cachetui.tui.screens.dialogs import Confirm
from cachetui.tui.screens.peek_dialog import NO_MOUNTS, PeekChoice, PeekDialog
from cachetui.tui.screens.start_audit import (
    build_to_start,
    hosts_to_start,
    prepare_in_background,
    show_started,
)

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings, HostSettings


def ask_what_to_peek_at(app: AppPort) -> None:
    """Ask which builders' caches to look at on the marked hosts, or on all, and do it; first for
    hosts and a build if there are none."""
    build, hosts = build_to_start(app), hosts_to_start(app)
    if build is None:
        return

    def chosen(choice: PeekChoice | None) -> None:
        if choice is not None:
            _prepare(app, build, hosts, choice)

    app.push_screen(PeekDialog(build, hosts), chosen)


def _prepare(
    app: AppPort, build: BuildSettings, hosts: Sequence[HostSettings], choice: PeekChoice
) -> None:
    """Prepare the peek in a thread; then start it, after a question where it may write into cache
    mounts of hosts about which nobody has agreed yet."""
    from cachetui.audit.peek_mounts import to_agree
    from cachetui.core import Options

    def prepare() -> tuple[AuditPort, tuple[str, ...]]:
        options = Options(peek=choice.builders, no_mounts=choice.no_mounts)
        audit = app.core.prepare(build, hosts, options)
        if choice.no_mounts:
            return audit, ()
        names = (host.name for host in hosts)
        return audit, to_agree(whole_store(app.core), names, audit.dockerfile, choice.builders)

    def prepared(found: tuple[AuditPort, tuple[str, ...]]) -> None:
        audit, asked = found
        if asked:
            _ask(app, audit, asked)
        else:
            show_started(app, audit)

    prepare_in_background(
        app, f"Reading {build.name}…", prepare, prepared, trouble="The peek cannot start"
    )


def _ask(app: AppPort, audit: AuditPort, asked: tuple[str, ...]) -> None:
    """Ask about the cache mounts of these hosts, once: a yes is kept."""
    from cachetui.audit.peek_mounts import MOUNTS
    from cachetui.compare.groups import fold_short

    def answered(yes: bool | None) -> None:
        if not yes:
            return
        show_started(app, audit)

        def failed(error: Exception) -> None:
            app.tell(
                f"Your answer was not kept, so you will be asked again: {error}", severity="warning"
            )

        marks = whole_store(app.core).marks
        run_in_background(app, "agree", lambda: marks.agree(asked), lambda _: None, failed)

    text = (
        f"{fold_short(asked)}: {MOUNTS}.\nYou are asked once for each host. To leave these steps "
        f'out, peek again with "{NO_MOUNTS}".'
    )
    app.push_screen(Confirm("Peek at a build with cache mounts?", text, "Peek"), answered)
