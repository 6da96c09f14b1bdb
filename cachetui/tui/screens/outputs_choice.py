"""Which images to compare: what Fleet and Compare stand on, or what is chosen from a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cachetui.report import units
from cachetui.tui.matrix import HOST
from cachetui.tui.session import Pick, Session

if TYPE_CHECKING:
    from cachetui.tui.actions import Actions


def picks_here(app: Actions) -> tuple[Pick, ...]:
    """The runs whose images are meant where one is: in Fleet the marked ones, or the scenario
    under the cursor on all hosts, or on a host's name all of its; in Compare those compared."""
    from cachetui.tui.screens.fleet import FleetPlace
    from cachetui.tui.widgets.grid import Grid

    session = app.session
    screen = app.screen
    if not isinstance(screen, FleetPlace):
        return session.picks if len(session.picks) > 1 else ()
    if screen.marked:
        return tuple(session.pick(key) for key in screen.targets())
    at = screen.query_one(Grid).cursor
    if at is None or at[1] == HOST:
        return tuple(session.pick(key) for key in screen.under_cursor())
    return of_scenario(session, str(at[1]))


def of_scenario(session: Session, scenario: str) -> tuple[Pick, ...]:
    """The runs of a scenario that made an image."""
    runs = [run for run in session.runs() if run.scenario == scenario and run.status == "ok"]
    return tuple(session.pick((run.host, run.scenario, run.repeat)) for run in runs)


def choose_images(app: Actions, then: Callable[[tuple[Pick, ...]], None]) -> None:
    """A list: all images of the audit, those of a scenario, those of a host."""
    from cachetui.tui.screens.dialogs import Choose

    session = app.session
    runs = [run for run in session.runs() if run.status == "ok"]
    everything = tuple(session.pick((run.host, run.scenario, run.repeat)) for run in runs)
    choices = [
        ("all images", everything),
        *(
            (name, tuple(pick for pick in everything if pick.scenario == name))
            for name in dict.fromkeys(run.scenario for run in runs)
        ),
        *(
            (f"on {name}", tuple(pick for pick in everything if pick.host == name))
            for name in dict.fromkeys(run.host for run in runs)
        ),
    ]
    choices = [choice for choice in choices if len(choice[1]) > 1]
    if not choices:
        app.tell("There are no two images to compare.")
        return

    def chosen(number: int | None) -> None:
        if number is not None:
            then(choices[number][1])

    rows = [(name, units.count(len(picks), "image")) for name, picks in choices]
    app.push_screen(Choose("Compare which images?", rows), chosen)
