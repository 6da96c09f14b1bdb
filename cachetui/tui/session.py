"""What the app shows: a build, a running or stored audit, and the runs chosen from it.

An audit runs in a thread of its own. Snapshots come from the core's threads; only the latest waits
here until the app takes it, so a slow screen never builds up a queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cachetui.store.log_blocks import LogError
from cachetui.tui.asked import Asked
from cachetui.tui.core_port import AuditPort, CorePort, whole_store
from cachetui.tui.explained import Explained
from cachetui.tui.view.fleet_columns import ColumnChoice
from cachetui.tui.view.picks import Alike, Pick, titles

if TYPE_CHECKING:
    from cachetui.audit.peek_results import Peek
    from cachetui.audit.progress import Snapshot
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.findings.record import Findings
    from cachetui.records.document import Document
    from cachetui.records.host import HostReport
    from cachetui.records.run import Run
    from cachetui.records.step import StepId
    from cachetui.store.audit_records import AuditEntry
    from cachetui.store.run_log import RunLog
    from cachetui.tui.view.finding_lines import Reason
    from cachetui.tui.view.fleet_rows import CellKey

_AT_REST = ("done", "unreachable", "failed", "cancelled")
"""States of a host on which nothing runs any more."""


@dataclass(frozen=True, slots=True)
class _RunsByCell:
    """A document with its runs by cell; `ended` is how many cells had ended when it was read,
    -1 for a document that is complete."""

    ended: int
    document: Document
    runs: dict[CellKey, Run]


class Session:
    """State shared by the screens. Methods are for the app's thread unless they say otherwise.
    `here` tells the runs to show for Fleet's cursor, and which of them stand for groups.
    `keep_columns` keeps the columns that were chosen, and returns whether it could.
    `history` are the stored audits as they were read last, newest first; None before that.
    `changed` is called, from any thread, when there is something new to `take`.
    """

    def __init__(self, core: CorePort, changed: Callable[[], None]) -> None:
        self.core = core
        self.build: BuildSettings | None = None
        self.hosts: tuple[HostSettings, ...] = core.settings.hosts
        self.audit: AuditPort | None = None
        self.document: Document | None = None
        self.snapshot: Snapshot | None = None
        self.error: BaseException | None = None
        self.picks: tuple[Pick, ...] = ()
        self.baseline: Pick | None = None
        self.outputs: tuple[Pick, ...] = ()
        self.alike: dict[Pick, Alike] = {}
        self.step: StepId | None = None
        self.history: Sequence[AuditEntry] | None = None
        self.as_printed = False
        self.reason: Reason | None = None
        self.here: Callable[[], tuple[Sequence[Pick], Mapping[Pick, Alike]]] = lambda: ((), {})
        self.documents: dict[str, Document] = {}
        self.explained = Explained(lambda shown: self.core.findings(shown), self._look, changed)
        self.asked = Asked(lambda *wanted: self.core.ask_hosts(*wanted), changed)
        self.columns = ColumnChoice()
        self.keep_columns: Callable[[ColumnChoice], bool] = lambda _: True
        self.version = 0
        self._changed = changed
        self._lock = threading.Lock()
        self._waiting: Snapshot | None = None
        self._outcome: tuple[AuditPort, Document | None, BaseException | None] | None = None
        self._said: list[str] = []
        self._cached: _RunsByCell | None = None
        self._threads = 0
        self._dockerfiles: dict[str, Dockerfile | None] = {}

    def adopt(self, core: CorePort) -> None:
        """Use the core once it is loaded, or its settings after they changed."""
        self.core = core
        self.hosts = core.settings.hosts

    # A running audit

    @property
    def running(self) -> bool:
        """Whether an audit is under way."""
        return self._threads > 0

    def start(self, audit: AuditPort) -> None:
        """Run a prepared audit in a thread, and show it."""
        self.asked.stop()
        self.audit = audit
        self.build = audit.build
        self._set_document(None)
        self.error = None
        self.choose(())
        self.step = None
        with self._lock:
            self._waiting = None
        self._set_snapshot(audit.snapshot())
        audit.watch(lambda snapshot: self._receive(audit, snapshot))
        self._run(audit, audit.run)

    def rerun(self, cells: Collection[CellKey]) -> None:
        """Run these cells of the audit again, except on hosts that are still busy."""
        audit, snapshot = self.audit, self.snapshot
        if audit is None or snapshot is None:
            return
        free = {host.name for host in snapshot.hosts if host.state in _AT_REST}
        wanted = [key for key in cells if not self.running or key[0] in free]
        if wanted:
            self._set_document(None)
            self._run(audit, lambda: audit.rerun(wanted))

    def _run(self, audit: AuditPort, work: Callable[[], Document]) -> None:
        with self._lock:
            self._threads += 1
        threading.Thread(
            target=self._run_thread, args=(audit, work), daemon=True, name="audit"
        ).start()

    def _run_thread(self, audit: AuditPort, work: Callable[[], Document]) -> None:
        """The body of the audit's thread."""
        document: Document | None = None
        error: BaseException | None = None
        said: list[str] = []
        try:
            document = work()
            self.core.store.use(audit.id)
            said = self.core.prune(audit.id)
        except BaseException as caught:  # whatever it is, the app must show it
            error = caught
        with self._lock:
            self._threads -= 1
            self._outcome = (audit, document, error)
            self._said += said
        self._changed()

    def _receive(self, audit: AuditPort, snapshot: Snapshot) -> None:
        """Keep the latest snapshot for the app to take; called from the core's threads."""
        with self._lock:
            if audit is not self.audit:
                return
            self._waiting = snapshot
        self._changed()

    def take(self) -> bool:
        """Take what arrived since the last call. Returns whether anything did."""
        with self._lock:
            snapshot, self._waiting = self._waiting, None
            outcome, self._outcome = self._outcome, None
        if snapshot is not None:
            self._set_snapshot(snapshot)
        if outcome is not None and outcome[0] is self.audit:
            _, document, self.error = outcome
            if document is not None and not self.running:
                self._set_document(document)
            self._set_snapshot(outcome[0].snapshot())
        explained, asked = self.explained.take(), self.asked.take()
        return snapshot is not None or outcome is not None or explained or asked

    def take_said(self) -> list[str]:
        """What was removed from the store since the last call, in sentences."""
        with self._lock:
            said, self._said = self._said, []
        return said

    def poll(self) -> None:
        """Update the clock of a running audit, even when no event came."""
        if self.audit is not None and self.running:
            self._set_snapshot(self.audit.snapshot())

    def stop(self, hosts: Collection[str] | None = None) -> None:
        """Stop the audit, or its builds on these hosts. Returns at once."""
        if self.audit is not None:
            self.audit.stop(hosts)

    def keep(self) -> None:
        """Store what a running audit has brought so far. From any thread."""
        if self.audit is not None and self.running:
            self.audit.keep()

    # A stored audit

    def open(self, document: Document) -> None:
        """Show a stored audit, read-only."""
        self.asked.stop()
        self.core.store.use(document.audit)
        self.audit = None
        self.error = None
        self.choose(())
        self.step = None
        with self._lock:
            self._waiting = None
        self._set_document(document)
        from cachetui.tui.view.stored_snapshot import snapshot_of

        self._set_snapshot(snapshot_of(document))

    def _set_document(self, document: Document | None) -> None:
        self.document = document
        if document is not None:
            self.documents[document.audit] = document
        self._cached = None
        self.explained.follow(document)

    def _set_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.version += 1

    @property
    def read_only(self) -> bool:
        """Whether the audit shown is a stored one, which cannot run anything."""
        return self.audit is None and self.document is not None

    def _look(self, document: Document, findings: Findings) -> Peek:
        from cachetui.audit.peek_results import peek_of

        return peek_of(document, findings, whole_store(self.core))

    # Documents, runs and logs

    def current(self) -> Document | None:
        """The audit as a document; while it runs, with the runs that have ended so far."""
        cached = self._runs_by_cell()
        return cached.document if cached is not None else None

    def _runs_by_cell(self) -> _RunsByCell | None:
        """The document and its runs by cell, read again when more cells have ended."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        ended = -1 if self.document is not None else snapshot.done
        cached = self._cached
        if cached is None or cached.ended != ended or cached.document.audit != snapshot.audit:
            document = self.document
            if document is None and self.audit is not None:
                document = self.audit.document()
            if document is None:
                return None
            runs = {(r.host, r.scenario, r.repeat): r for r in document.runs}
            self._cached = cached = _RunsByCell(ended, document, runs)
        return cached

    def run(self, pick: Pick) -> Run | None:
        """The run of a pick; None until it has ended."""
        if self.snapshot is not None and pick.audit == self.snapshot.audit:
            cached = self._runs_by_cell()
            return cached.runs.get(pick.key) if cached else None
        document = self.documents.get(pick.audit)
        if document is None:
            return None
        return next((r for r in document.runs if (r.host, r.scenario, r.repeat) == pick.key), None)

    def runs_alike(self, pick: Pick) -> list[Run]:
        """The run of a pick, and those of the other hosts that it stands for."""
        hosts = self.alike[pick].hosts if pick in self.alike else (pick.host,)
        runs = (self.run(replace(pick, host=host)) for host in dict.fromkeys((pick.host, *hosts)))
        return [run for run in runs if run is not None]

    def titles(self, picks: Sequence[Pick]) -> list[str]:
        """A short name for each pick, with only what distinguishes it from the others."""
        return titles(picks, self.alike)

    def document_of(self, pick: Pick) -> Document | None:
        """The audit that a pick belongs to, as far as it has run."""
        if self.snapshot is not None and pick.audit == self.snapshot.audit:
            return self.current()
        return self.documents.get(pick.audit)

    def runs(self) -> list[Run]:
        """The runs of the audit shown that have ended."""
        document = self.current()
        return list(document.runs) if document is not None else []

    def choose(
        self,
        picks: Sequence[Pick],
        baseline: Pick | None = None,
        alike: Mapping[Pick, Alike] | None = None,
    ) -> None:
        """Choose the runs to show. The baseline is the first unless given; `alike` are those
        that stand for several hosts."""
        self.picks = tuple(dict.fromkeys(picks))
        self.alike = dict(alike or {})
        self.baseline = baseline or (self.picks[0] if self.picks else None)

    def pick(self, key: CellKey) -> Pick:
        """The pick of a cell of the audit shown."""
        return Pick(self.snapshot.audit if self.snapshot else "", *key)

    def host(self, audit: str, name: str) -> HostReport | None:
        """What an audit reports about a host."""
        document = self.documents.get(audit)
        if document is None:
            document = self.current()
        if document is None:
            return None
        return next((host for host in document.hosts if host.name == name), None)

    def open_log(self, pick: Pick) -> RunLog | None:
        """The log of a pick as far as it is written; the caller closes it. From any thread.
        Raises `LogError` when it is there no more."""
        run = self.run(pick)
        if run is not None:
            log = self.core.store.log(run.id)
            gone = self.core.store.log_gone(run.id) if log is None else None
            if gone is not None:
                raise LogError(gone)
            return log
        if self.audit is not None and pick.audit == self.audit.id:
            return self.audit.live_log(*pick.key)
        return None

    def dockerfile(self, audit: str | None = None) -> Dockerfile | None:
        """The Dockerfile that was built; None when it cannot be parsed."""
        if self.audit is not None and audit in (None, self.audit.id):
            return self.audit.dockerfile
        document = self.documents.get(audit) if audit else self.document
        if document is None:
            return None
        from cachetui.dockerfile.parse import DockerfileError, parse

        text = document.build.dockerfile_text
        if text not in self._dockerfiles:
            try:
                self._dockerfiles[text] = parse(text)
            except DockerfileError:
                self._dockerfiles[text] = None
        return self._dockerfiles[text]
