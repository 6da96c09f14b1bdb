"""Starting an experiment with shared caches: the dialog, what it would do, and the way to Share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cachetui.tui.app_port import AppPort
from cachetui.tui.core_port import LoadingCore
from cachetui.tui.screens.share_dialog import ShareDialog, WhatToShare
from cachetui.tui.screens.start_audit import build_to_start, prepare_in_background

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings


def ask_what_to_share(app: AppPort) -> None:
    """Ask what to share, say what that does, and do it; first for a build if there is none."""
    session = app.session
    if isinstance(app.core, LoadingCore):
        return
    if not session.running and len(session.hosts) < 2:
        app.tell("Sharing takes two hosts: one exports, others import. Add more to hosts.toml.")
        return
    build = build_to_start(app)
    if build is None:
        return

    def chosen(what: WhatToShare | None) -> None:
        if what is not None:
            _prepare(app, build, what)

    app.push_screen(ShareDialog(build, session.hosts, app.core.settings.registry), chosen)


def _prepare(app: AppPort, build: BuildSettings, what: WhatToShare) -> None:
    """Ask the hosts what they can, in a thread; then ask the user."""
    from cachetui.share.kinds import kind_named
    from cachetui.share.sharing import Sharing
    from cachetui.tui.screens.dialogs import Confirm
    from cachetui.tui.sharing_audit import SharingAudit

    wanted = {what.exporter, *what.importers}
    hosts = [host for host in app.session.hosts if what.exporter is None or host.name in wanted]
    cancel = threading.Event()

    def prepare() -> tuple[Sharing, list[str]]:
        sharing = app.core.sharing(
            build,
            hosts,
            [kind_named(name) for name in what.kinds],
            exporter=what.exporter,
            importers=what.importers,
            registry=what.registry,
            cancel=cancel,
        )
        try:
            return sharing, sharing.prepare()
        except BaseException:
            sharing.close()
            raise

    def prepared(found: tuple[Sharing, list[str]]) -> None:
        sharing, sentences = found

        def answered(yes: bool | None) -> None:
            if not yes:
                threading.Thread(target=sharing.close, daemon=True).start()
                return
            app.session.start(SharingAudit(sharing, cancel))
            app.go("share")
            app.refresh_places()

        text = "\n".join(f"· {sentence}" for sentence in sentences)
        app.push_screen(Confirm("Share caches?", text, "Build and share"), answered)

    prepare_in_background(
        app,
        "Asking the hosts what they can export and import…",
        prepare,
        prepared,
        trouble="Nothing can be shared",
    )
