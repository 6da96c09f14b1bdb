"""The list of builds to choose from."""

from __future__ import annotations

from pathlib import Path

from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.dialogs import Choose, Notice


def choose_build(app: AppPort) -> None:
    """Choose among the builds of hosts.toml and the Dockerfiles found below the current folder."""
    builds = list(app.core.settings.builds.values())
    known = {(build.context, build.dockerfile) for build in builds}
    here = Path.cwd()
    builds += [b for b in app.core.builds_below(here) if (b.context, b.dockerfile) not in known]
    if not builds:
        app.push_screen(
            Notice(
                "No build to run",
                f"No Dockerfile was found below {here}, and hosts.toml has no [builds] table.\n"
                "Start cachetui in the folder of a Dockerfile, or add to hosts.toml:\n"
                "  [builds.api]\n"
                '  context = "./api"',
            )
        )
        return

    def chosen(number: int | None) -> None:
        if number is not None:
            app.session.build = builds[number]
            app.refresh_places()
            app.tell(f"{builds[number].name} is chosen; r runs it.")

    rows = [(build.name, _relative(build.context / build.dockerfile, here)) for build in builds]
    app.push_screen(Choose("Which build?", rows), chosen)


def _relative(path: Path, folder: Path) -> str:
    try:
        return str(path.relative_to(folder))
    except ValueError:
        return str(path)
