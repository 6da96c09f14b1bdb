"""Lists to choose runs from: the baseline, another run, the images to compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.report import units
from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.dialogs import Choose
from cachetui.tui.view.picks import Pick


def choose_baseline(app: AppPort, picks: Sequence[Pick]) -> None:
    """Choose which of the compared runs is the baseline."""
    if len(picks) < 2:
        app.tell("There is only one run; mark more in Fleet, or choose a preset (p).")
        return
    names = app.session.titles(picks)

    def chosen(number: int | None) -> None:
        if number is not None:
            app.session.baseline = picks[number]
            app.refresh_places()

    rows = [(name, "baseline now" if n == 0 else "") for n, name in enumerate(names)]
    app.push_screen(Choose("Compare with which baseline?", rows), chosen)


def choose_run(app: AppPort, title: str, then: Callable[[Pick], None]) -> None:
    """Choose one of the audit's runs that have ended."""
    runs = [run for run in app.session.runs() if run.steps]
    if not runs:
        app.tell("No run has ended yet.")
        return

    def chosen(number: int | None) -> None:
        if number is not None:
            run = runs[number]
            then(app.session.pick((run.host, run.scenario, run.repeat)))

    rows = [
        (
            f"{run.host} {run.scenario}" + (f" #{run.repeat}" if run.repeat > 1 else ""),
            f"{units.percent(run.hit_ratio)} {units.seconds(run.seconds)}",
        )
        for run in runs
    ]
    app.push_screen(Choose(title, rows), chosen)


def choose_images(app: AppPort, then: Callable[[tuple[Pick, ...]], None]) -> None:
    """Choose which images to compare: all of the audit, those of a scenario, those of a host."""
    session = app.session
    runs = [run for run in session.runs() if run.status == "ok"]
    all_picks = tuple(session.pick((run.host, run.scenario, run.repeat)) for run in runs)
    choices = [
        ("all images", all_picks),
        *(
            (name, tuple(pick for pick in all_picks if pick.scenario == name))
            for name in dict.fromkeys(run.scenario for run in runs)
        ),
        *(
            (f"on {name}", tuple(pick for pick in all_picks if pick.host == name))
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
