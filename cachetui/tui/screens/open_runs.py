"""Ways from a run to what shows it: Compare, Step, Timeline, or its commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachetui.records.step import StepId
from cachetui.tui.app_port import AppPort
from cachetui.tui.view.picks import Alike, Pick


def open_compare(
    app: AppPort,
    picks: Sequence[Pick],
    step: StepId | None = None,
    alike: Mapping[Pick, Alike] | None = None,
) -> None:
    """Compare runs, the first being the baseline, with the cursor on `step`. `alike` are
    those that stand for several hosts."""
    if not picks:
        app.tell("No run has ended here yet; enter opens it once one has.")
        return
    app.session.choose(picks, alike=alike)
    app.session.step = step
    app.go("compare")


_OF_RUNS = ("compare", "step", "timeline")
"""Places that show chosen runs."""


def take_what_is_here(app: AppPort, place: str) -> None:
    """Choose the run under the cursor of Fleet, with its peer, on the way to a place of runs when
    nothing is chosen: for Step the first step that differs, else the whole log."""
    session = app.session
    if place not in _OF_RUNS or session.picks:
        return
    picks, alike = session.here()
    one_scenario = len({pick.scenario for pick in picks}) == 1
    if not picks or (place == "timeline" and not one_scenario):
        return
    session.choose(picks, alike=alike)
    if place == "step":
        from cachetui.compare.align import align

        runs = [run for pick in picks if (run := session.run(pick)) is not None]
        session.step = next((row.id for row in align(runs) if row.differs), None)
        session.as_printed = session.step is None


def open_step(app: AppPort, step: StepId | None) -> None:
    """Show the logs of a step in the chosen runs."""
    app.session.step = step
    app.session.as_printed = False
    app.go("step")


def open_log(app: AppPort, pick: Pick) -> None:
    """Show the whole log of one run, as it was printed."""
    app.session.choose((pick,))
    app.session.step = None
    app.session.as_printed = True
    app.go("step")


def open_timeline(app: AppPort, picks: Sequence[Pick]) -> None:
    """Show when the steps of one or two runs were at work."""
    if picks:
        app.session.choose(picks)
    app.go("timeline")


def open_commands(app: AppPort, pick: Pick) -> None:
    """Show the commands that ran for a run."""
    from cachetui.tui.screens.commands import CommandsScreen

    run = app.session.run(pick)
    if run is None:
        app.tell("The commands of a run are shown once it has ended.")
    else:
        app.push_screen(CommandsScreen(run))
