"""The lists of columns that Fleet and Compare can show, to turn them on and off."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from cachetui.compare.groups import gather, outcome
from cachetui.records.run import Run
from cachetui.records.scenario import Scenario
from cachetui.report import units
from cachetui.report.view import FOLD_ABOVE
from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.switches import Switch, Switches
from cachetui.tui.view.fleet_columns import FACTS
from cachetui.tui.view.picks import Alike, Pick

_MEANS = {
    "engine": "version of Docker",
    "store": "where images are kept",
    "buildx": "version of buildx",
    "load": "when the audit began",
    "platform": "what is built for",
}


def choose_columns(app: AppPort, scenarios: Sequence[str], changed: Callable[[], None]) -> None:
    """Ask which columns of Fleet to show, keep that, and say so where it cannot be kept."""
    now = app.session.columns
    names = (*FACTS, *scenarios)
    groups: dict[str, dict[Hashable, Switch]] = {
        "of hosts": {name: Switch(name, _MEANS[name]) for name in FACTS},
        "scenarios": {name: Switch(name, Scenario.of(name).description) for name in scenarios},
    }

    def chosen(wanted: frozenset[Hashable] | None) -> None:
        choice = now
        for name in names if wanted is not None else ():
            if now.shows(name) != (name in (wanted or ())):
                choice = choice.toggled(name)
        if choice == now:
            return
        app.session.columns = choice
        changed()
        if not app.session.keep_columns(choice):
            app.tell(
                "These columns last until you quit: app.toml cannot be written.", severity="warning"
            )

    shown = {name for name in names if now.shows(name)}
    app.push_screen(Switches("Columns", groups, shown, "Turn on at least one column."), chosen)


def choose_compared(app: AppPort, picks: Sequence[Pick]) -> None:
    """Ask which runs Compare has a column for: of the audit shown, those that have ended, and the
    `picks` that are compared now. In a large fleet hosts that behave alike are one."""
    session = app.session
    alike = dict(session.alike)
    groups: dict[str, dict[Hashable, Switch]] = {}
    for pick, runs in _runs_to_offer(app, picks, alike):
        name = alike[pick].name if pick in alike else pick.host
        again = f" #{pick.repeat}" if pick.repeat > 1 else ""
        about = f"{units.percent(runs[0].hit_ratio)} {units.seconds(runs[0].seconds)}"
        groups.setdefault(pick.scenario, {})[pick] = Switch(f"{name}{again}", about)

    def chosen(wanted: frozenset[Hashable] | None) -> None:
        if wanted is None:
            return
        offered = [pick for group in groups.values() for pick in group if isinstance(pick, Pick)]
        order = dict.fromkeys((*picks, *offered))
        shown = tuple(pick for pick in order if pick in wanted)
        baseline = session.baseline if session.baseline in shown else shown[0]
        session.choose(shown, baseline, {pick: alike[pick] for pick in shown if pick in alike})
        app.refresh_places()

    app.push_screen(Switches("Runs to compare", groups, picks, "Turn on at least one run."), chosen)


def _runs_to_offer(
    app: AppPort, picks: Sequence[Pick], alike: dict[Pick, Alike]
) -> list[tuple[Pick, list[Run]]]:
    """Picks with their runs: those compared now, then the others of the audit by scenario; those
    that stand for several hosts are put into `alike`."""
    session = app.session
    offered = {pick: session.runs_alike(pick) for pick in picks}
    known = {run.id for runs in offered.values() for run in runs}
    ended = [run for run in session.runs() if run.steps and run.id not in known]
    cells = dict.fromkeys((run.scenario, run.repeat) for run in ended)
    fold = len({run.host for run in session.runs()}) > FOLD_ABOVE
    for scenario, repeat in cells:
        runs = {run.host: run for run in ended if (run.scenario, run.repeat) == (scenario, repeat)}
        for group in gather((host, outcome(run)) for host, run in runs.items()):
            for hosts in (group.hosts,) if fold else [(host,) for host in group.hosts]:
                pick = session.pick((hosts[0], scenario, repeat))
                offered[pick] = [runs[host] for host in hosts]
                if len(hosts) > 1:
                    alike[pick] = Alike.of(hosts, group.name)
    return list(offered.items())
