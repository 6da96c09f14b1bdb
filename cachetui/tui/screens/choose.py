"""Lists to choose from: builds, presets of comparison, the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetui.compare.groups import gather, outcome
from cachetui.records.document import Document
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, Scenario
from cachetui.report import units
from cachetui.report.view import FOLD_ABOVE
from cachetui.tui.screens.dialogs import Choose
from cachetui.tui.session import Pick

if TYPE_CHECKING:
    from cachetui.tui.actions import Actions


def choose_build(app: Actions) -> None:
    """Choose among the builds of hosts.toml and the Dockerfiles found below the folder."""
    builds = list(app.core.settings.builds.values())
    known = {(build.context, build.dockerfile) for build in builds}
    here = Path.cwd()
    found = [b for b in app.core.builds_below(here) if (b.context, b.dockerfile) not in known]
    rows = [(b.name, _short(b.context / b.dockerfile, here)) for b in builds]
    rows += [(b.name, _short(b.context / b.dockerfile, here)) for b in found]
    choices = builds + found
    if not choices:
        from cachetui.tui.screens.dialogs import Notice

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
            app.session.build = choices[number]
            app.refresh_places()
            app.tell(f"{choices[number].name} is chosen; r runs it.")

    app.push_screen(Choose("Which build?", rows), chosen)


def _short(path: Path, here: Path) -> str:
    try:
        return str(path.relative_to(here))
    except ValueError:
        return str(path)


def choose_baseline(app: Actions, picks: Sequence[Pick]) -> None:
    """Choose which of the runs compared is the baseline."""
    if len(picks) < 2:
        app.tell("There is one run only; mark more in Fleet, or take a preset (p).")
        return
    names = app.session.titles(picks)

    def chosen(number: int | None) -> None:
        if number is not None:
            app.session.baseline = picks[number]
            app.refresh_places()

    rows = [(name, "baseline now" if n == 0 else "") for n, name in enumerate(names)]
    app.push_screen(Choose("Compare with which baseline?", rows), chosen)


class Presets:
    """What is most often compared, for the audit that is looked at."""

    def __init__(self, app: Actions, document: Document) -> None:
        self._app = app
        self._document = document
        self._ended = [r for r in document.runs if r.status in ("ok", "failed")]
        first = app.session.picks[0] if app.session.picks else None
        self._host = first.host if first else ""
        self._scenario = first.scenario if first else ""

    def offer(self) -> None:
        """Show the list; each entry asks for what it still needs."""
        entries: list[tuple[str, str, Callable[[], None]]] = [
            ("Legacy against BuildKit", "on one host", self._backends),
            ("One scenario", "over all hosts", self._over_hosts),
            ("Cold mounts against warm", "on one host", self._mounts),
            ("All scenarios", "of one host", self._scenarios),
            ("This audit against an earlier one", "same host and scenario", self._earlier),
        ]

        def chosen(number: int | None) -> None:
            if number is not None:
                entries[number][2]()

        self._app.push_screen(Choose("Compare", [(a, b) for a, b, _ in entries]), chosen)

    def _pick_host(self, then: Callable[[str], None], scenarios: Sequence[str]) -> None:
        hosts = [
            host.name
            for host in self._document.hosts
            if all(
                any(r.host == host.name and r.scenario == s for r in self._ended) for s in scenarios
            )
        ]
        self._ask("On which host?", hosts, self._host, then)

    def _ask(self, title: str, words: Sequence[str], at: str, then: Callable[[str], None]) -> None:
        if not words:
            self._app.tell("No runs that ended can be compared this way.")
            return
        if len(words) == 1:
            then(words[0])
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                then(words[number])

        rows = [(word, "") for word in words]
        position = words.index(at) if at in words else 0
        self._app.push_screen(Choose(title, rows, at=position), chosen)

    def _open(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Open the first repeat of each host and scenario that has ended."""
        picks: list[Pick] = []
        for host, scenario in wanted:
            run = next((r for r in self._ended if r.host == host and r.scenario == scenario), None)
            if run is not None:
                picks.append(Pick(self._document.audit, host, scenario, run.repeat))
        app: Any = self._app
        app.open_compare(picks)

    def _backends(self) -> None:
        scenarios = [Scenario.of(name) for name in self._document.scenarios]
        pairs = [
            (legacy, other)
            for legacy in scenarios
            if legacy.backend == "legacy"
            and (other := Scenario("buildkit", legacy.temperature)) in scenarios
        ]
        wanted = [scenario.name for pair in pairs for scenario in pair]
        usable = [s for s in wanted if any(r.scenario == s for r in self._ended)]
        if not any(Scenario.of(s).backend == "legacy" for s in usable):
            self._app.tell("No run of the legacy builder has ended in this audit.")
            return
        self._pick_host(lambda host: self._open([(host, s) for s in usable]), usable)

    def _over_hosts(self) -> None:
        scenarios = [
            s for s in self._document.scenarios if any(r.scenario == s for r in self._ended)
        ]
        self._ask(
            "Which scenario?",
            scenarios,
            self._scenario,
            self._compare_hosts,
        )

    def _compare_hosts(self, scenario: str) -> None:
        """One scenario over the hosts, the largest group first as baseline, then the odd ones;
        in a fleet hosts alike share a column."""
        runs = [r for r in self._ended if r.scenario == scenario]
        first = min((r.repeat for r in runs), default=1)
        runs = [r for r in runs if r.repeat == first]
        groups = sorted(
            gather((run.host, outcome(run)) for run in runs), key=lambda g: -len(g.hosts)
        )
        fold = len(runs) > FOLD_ABOVE
        order = [*groups[:1], *reversed(groups[1:])]
        hosts = [host for group in order for host in (group.hosts[:1] if fold else group.hosts)]
        picks = {host: Pick(self._document.audit, host, scenario, first) for host in hosts}
        names = {
            picks[group.hosts[0]]: f"{len(group.hosts)}× {group.name}"
            for group in order
            if fold and len(group.hosts) > 1
        }
        opener: Any = self._app
        opener.open_compare(tuple(picks.values()), names=names)

    def _mounts(self) -> None:
        wanted = [BUILDKIT_COLD.name, BUILDKIT_MOUNTS_WARM.name]
        self._pick_host(lambda host: self._open([(host, s) for s in wanted]), wanted)

    def _scenarios(self) -> None:
        self._pick_host(lambda host: self._open([(host, s) for s in self._document.scenarios]), ())

    def _earlier(self) -> None:
        entries = [
            e
            for e in self._app.core.store.audits()
            if e.build == self._document.build.name and e.audit != self._document.audit
        ]
        if not entries:
            self._app.tell("No other audit of this build is kept.")
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                compare_audits(self._app, entries[number].audit, self._document.audit)

        rows = [
            (
                self._app.moment(e.started_at),
                f"{units.count(e.runs, 'run')} on {units.count(e.hosts, 'host')}",
            )
            for e in entries
        ]
        self._app.push_screen(Choose("Compare with which audit?", rows), chosen)


def choose_preset(app: Actions) -> None:
    """Offer the presets of comparison."""
    document = app.session.current()
    if document is None or not document.runs:
        app.tell("No run has ended yet.")
        return
    Presets(app, document).offer()


def choose_run(app: Actions, title: str, then: Callable[[Pick], None]) -> None:
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
            f"{r.host} {r.scenario}" + (f" #{r.repeat}" if r.repeat > 1 else ""),
            f"{units.percent(r.hit_ratio)} {units.seconds(r.seconds)}",
        )
        for r in runs
    ]
    app.push_screen(Choose(title, rows), chosen)


def compare_audits(app: Actions, first: str, second: str) -> None:
    """Compare the same host and scenario of two audits, the older being the baseline."""
    session = app.session
    documents: list[Document] = []
    for audit in (first, second):
        current = session.current()
        known = current if current is not None and current.audit == audit else None
        document = known or session.documents.get(audit) or app.core.store.audit(audit)
        if document is None:
            app.tell(f"Audit {audit} is no longer in the store.", severity="error")
            return
        session.documents[audit] = document
        documents.append(document)
    older, newer = sorted(documents, key=lambda document: document.started_at)
    if older.build.name != newer.build.name:
        app.tell(f"They are of two builds: {older.build.name} and {newer.build.name}.")
        return
    theirs = {(r.host, r.scenario) for r in older.runs if r.status in ("ok", "failed")}
    wanted = [(p.host, p.scenario) for p in session.picks]
    ended = [(r.host, r.scenario) for r in newer.runs if r.status in ("ok", "failed")]
    both = [key for key in (*wanted, *ended) if key in theirs and key in ended]
    if not both or older is newer:
        app.tell("The two audits have no host and scenario in common.")
        return
    host, scenario = both[0]
    opener: Any = app
    opener.open_compare((Pick(older.audit, host, scenario), Pick(newer.audit, host, scenario)))
