"""The list of builds to choose from, and that of a file which has several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.dialogs import Choose, Notice
from cachetui.tui.screens.start_audit import prepare_in_background

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings


def choose_build(app: AppPort) -> None:
    """Choose among the builds of hosts.toml and the Dockerfiles, bake and compose files found below
    the current folder."""
    builds = list(app.core.settings.builds.values())
    known = {_place(build) for build in builds}
    here = Path.cwd()
    builds += [build for build in app.core.builds_below(here) if _place(build) not in known]
    if not builds:
        app.push_screen(
            Notice(
                "No build to run",
                f"No Dockerfile was found below {here}, nor a bake or compose file, and hosts.toml "
                "has no [builds] table.\n"
                "Start cachetui in the folder of a Dockerfile, or add to hosts.toml:\n"
                "  [builds.api]\n"
                '  context = "./api"',
            )
        )
        return

    def chosen(number: int | None) -> None:
        if number is None:
            return
        if builds[number].names_no_target:
            choose_target(app, builds[number], lambda build: _take(app, build))
        else:
            _take(app, builds[number])

    rows = [(build.name, _where(build, here)) for build in builds]
    app.push_screen(Choose("Which build?", rows), chosen)


def choose_target(
    app: AppPort, build: BuildSettings, chosen: Callable[[BuildSettings], object]
) -> None:
    """Read the file of builds in which a build stands, and choose among them; not asked where it
    has one alone."""

    def ask(builds: list[BuildSettings]) -> None:
        if len(builds) == 1:
            chosen(builds[0])
            return
        here = Path.cwd()
        rows = [
            (
                (one.source or "").rpartition("#")[2],
                one.fetched_from or _relative(one.context, here),
            )
            for one in builds
        ]

        def answered(number: int | None) -> None:
            if number is not None:
                chosen(builds[number])

        file = Path(build.source or "").name
        app.push_screen(Choose(f"Which build of {file}?", rows), answered)

    prepare_in_background(
        app,
        f"Reading {Path(build.source or '').name}…",
        lambda: app.core.builds_in(build),
        ask,
        trouble="The builds of the file are not known",
    )


def _take(app: AppPort, build: BuildSettings) -> None:
    app.session.build = build
    app.refresh_places()
    app.tell(f"{build.name} is chosen; r runs it.")


def _place(build: BuildSettings) -> tuple[object, ...]:
    """Equal for two builds of one Dockerfile, or of one file of builds."""
    if build.source is not None:
        return (Path(build.source).absolute(),)
    return (build.fetched_from or build.context, build.dockerfile)


def _where(build: BuildSettings, here: Path) -> str:
    if build.fetched_from is not None:
        return build.place
    if build.source is None:
        return _relative(build.context / build.dockerfile, here)
    where = _relative(Path(build.source), here)
    return f"{where}: its builds" if build.names_no_target else where


def _relative(path: Path, folder: Path) -> str:
    try:
        return str(path.relative_to(folder))
    except ValueError:
        return str(path)
