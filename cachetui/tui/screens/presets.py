"""Presets: what is most often compared, and comparing two audits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.compare.groups import gather, outcome
from cachetui.records.document import Document
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, Scenario
from cachetui.report import units
from cachetui.report.view import FOLD_ABOVE
from cachetui.store.audit_records import AuditEntry
from cachetui.tui.app_port import AppPort
from cachetui.tui.screens.dialogs import Choose
from cachetui.tui.screens.open_runs import open_compare
from cachetui.tui.screens.store_answers import read_audits, read_history
from cachetui.tui.view.picks import Alike, Pick


def choose_preset(app: AppPort) -> None:
    """Offer the presets of comparison for the audit shown."""
    document = app.session.current()
    if document is None or not document.runs:
        app.tell("No run has ended yet.")
        return
    Presets(app, document).offer()


class Presets:
    """The presets for one audit. Each asks for the host or scenario that it needs."""

    def __init__(self, app: AppPort, document: Document) -> None:
        self._app = app
        self._document = document
        self._ended = [r for r in document.runs if r.status in ("ok", "failed")]
        first = app.session.picks[0] if app.session.picks else None
        self._host = first.host if first else ""
        self._scenario = first.scenario if first else ""

    def offer(self) -> None:
        """Show the list of presets."""
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

    def _ask(self, title: str, names: Sequence[str], at: str, then: Callable[[str], None]) -> None:
        if not names:
            self._app.tell("No runs that ended can be compared this way.")
            return
        if len(names) == 1:
            then(names[0])
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                then(names[number])

        rows = [(name, "") for name in names]
        position = names.index(at) if at in names else 0
        self._app.push_screen(Choose(title, rows, at=position), chosen)

    def _open(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Compare the first repeat that has ended of each (host, scenario)."""
        picks: list[Pick] = []
        for host, scenario in wanted:
            run = next((r for r in self._ended if r.host == host and r.scenario == scenario), None)
            if run is not None:
                picks.append(Pick(self._document.audit, host, scenario, run.repeat))
        open_compare(self._app, picks)

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
        """Compare a scenario over the hosts: the largest group first as the baseline, then the
        odd ones. In a large fleet identical hosts share a column."""
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
        alike = {
            picks[group.hosts[0]]: Alike.of(group.hosts, group.name)
            for group in order
            if fold and len(group.hosts) > 1
        }
        open_compare(self._app, tuple(picks.values()), alike=alike)

    def _mounts(self) -> None:
        wanted = [BUILDKIT_COLD.name, BUILDKIT_MOUNTS_WARM.name]
        self._pick_host(lambda host: self._open([(host, s) for s in wanted]), wanted)

    def _scenarios(self) -> None:
        self._pick_host(lambda host: self._open([(host, s) for s in self._document.scenarios]), ())

    def _earlier(self) -> None:
        read_history(self._app, self._ask_which)

    def _ask_which(self, history: Sequence[AuditEntry]) -> None:
        entries = [
            e
            for e in history
            if e.build == self._document.build.name and e.audit != self._document.audit
        ]
        if not entries:
            self._app.tell("No other audit of this build is stored.")
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


def compare_audits(app: AppPort, first: str, second: str) -> None:
    """Compare the same host and scenario of two audits, the older being the baseline."""

    def read(documents: list[Document | None]) -> None:
        one, other = documents
        if one is None or other is None:
            missing = first if one is None else second
            app.tell(f"Audit {missing} is no longer in the store.", severity="error")
        else:
            _compare(app, *sorted((one, other), key=lambda document: document.started_at))

    read_audits(app, (first, second), read)


def _compare(app: AppPort, older: Document, newer: Document) -> None:
    if older.build.name != newer.build.name:
        app.tell(
            f"These audits are of different builds: {older.build.name} and {newer.build.name}."
        )
        return
    in_older = {(r.host, r.scenario) for r in older.runs if r.status in ("ok", "failed")}
    in_newer = [(r.host, r.scenario) for r in newer.runs if r.status in ("ok", "failed")]
    chosen = [(pick.host, pick.scenario) for pick in app.session.picks]
    both = [key for key in (*chosen, *in_newer) if key in in_older and key in in_newer]
    if not both or older is newer:
        app.tell("The two audits have no host and scenario in common.")
        return
    host, scenario = both[0]
    open_compare(app, (Pick(older.audit, host, scenario), Pick(newer.audit, host, scenario)))
