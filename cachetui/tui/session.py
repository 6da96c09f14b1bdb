"""What the app looks at: a build, an audit that runs or was kept, and the runs that were chosen.

An audit runs in a thread of our own. Its snapshots come from the core's threads; the last one
waits here until the app takes it, so that a slow screen never makes a queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetui.tui import signs
from cachetui.tui.ports import AuditPort, CorePort, Key

if TYPE_CHECKING:
    from cachetui.audit.progress import Snapshot
    from cachetui.config.settings import BuildSettings, HostSettings
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.records.document import Document
    from cachetui.records.host import HostReport
    from cachetui.records.run import Run
    from cachetui.records.step import StepId
    from cachetui.store.run_log import RunLog

_IDLE = ("done", "unreachable", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Pick:
    """A run that was chosen: the audit it belongs to, and its place there."""

    audit: str
    host: str
    scenario: str
    repeat: int = 1

    @property
    def key(self) -> Key:
        return (self.host, self.scenario, self.repeat)


class Session:
    """State shared by the screens. Methods are the app thread's, but for those that say so.

    `changed` is called from any thread when there is something new to take.
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
        self.names: dict[Pick, str] = {}
        self.step: StepId | None = None
        self.as_printed = False
        self.documents: dict[str, Document] = {}
        self.version = 0
        self._changed = changed
        self._lock = threading.Lock()
        self._waiting: Snapshot | None = None
        self._outcome: tuple[AuditPort, Document | None, BaseException | None] | None = None
        self._read: tuple[int, Document, dict[Key, Run]] | None = None
        self._active = 0
        self._dockerfiles: dict[str, Dockerfile | None] = {}

    def adopt(self, core: CorePort) -> None:
        """Use the core that has been loaded, or its settings that have changed."""
        self.core = core
        self.hosts = core.settings.hosts

    # An audit that runs

    @property
    def running(self) -> bool:
        """Whether an audit is under way."""
        return self._active > 0

    def start(self, audit: AuditPort) -> None:
        """Run a prepared audit in a thread, and look at it."""
        self.audit = audit
        self.build = audit.build
        self.document = None
        self.error = None
        self.choose(())
        self.step = None
        self._read = None
        with self._lock:
            self._waiting = None
        self._look(audit.snapshot())
        audit.watch(lambda snapshot: self._take_in(audit, snapshot))
        self._run(audit, audit.run)

    def rerun(self, cells: Collection[Key]) -> None:
        """Run cells of this audit again. Those of hosts still at work are left out."""
        audit, snapshot = self.audit, self.snapshot
        if audit is None or snapshot is None:
            return
        idle = {host.name for host in snapshot.hosts if host.state in _IDLE}
        wanted = [key for key in cells if not self.running or key[0] in idle]
        if wanted:
            self.document = None
            self._read = None
            self._run(audit, lambda: audit.rerun(wanted))

    def _run(self, audit: AuditPort, work: Callable[[], Document]) -> None:
        with self._lock:
            self._active += 1
        threading.Thread(target=self._body, args=(audit, work), daemon=True, name="audit").start()

    def _body(self, audit: AuditPort, work: Callable[[], Document]) -> None:
        """The audit's thread."""
        document: Document | None = None
        error: BaseException | None = None
        try:
            document = work()
        except BaseException as caught:  # the app must learn of it, whatever it is
            error = caught
        with self._lock:
            self._active -= 1
            self._outcome = (audit, document, error)
        self._changed()

    def _take_in(self, audit: AuditPort, snapshot: Snapshot) -> None:
        """Called from a core thread: keep the last snapshot for the app to take."""
        with self._lock:
            if audit is not self.audit:
                return
            self._waiting = snapshot
        self._changed()

    def take(self) -> bool:
        """Take what has come since the last time; whether there was anything."""
        with self._lock:
            snapshot, self._waiting = self._waiting, None
            outcome, self._outcome = self._outcome, None
        if snapshot is not None:
            self._look(snapshot)
        if outcome is not None and outcome[0] is self.audit:
            _, document, self.error = outcome
            if document is not None and not self.running:
                self._show(document)
            self._look(outcome[0].snapshot())
        return snapshot is not None or outcome is not None

    def poll(self) -> None:
        """Look at the clock of an audit that runs, though nothing was told."""
        if self.audit is not None and self.running:
            self._look(self.audit.snapshot())

    def stop(self, hosts: Collection[str] | None = None) -> None:
        """Stop the audit, or its builds on some hosts. Returns at once."""
        if self.audit is not None:
            self.audit.stop(hosts)

    # An audit that was kept

    def open(self, document: Document) -> None:
        """Look at a kept audit, read-only."""
        self.audit = None
        self.error = None
        self.choose(())
        self.step = None
        self._read = None
        with self._lock:
            self._waiting = None
        self._show(document)
        from cachetui.tui.kept import snapshot_of

        self._look(snapshot_of(document))

    def _show(self, document: Document) -> None:
        self.document = document
        self.documents[document.audit] = document
        self._read = None

    def _look(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.version += 1

    @property
    def read_only(self) -> bool:
        """Whether a kept audit is looked at, which nothing can be started for."""
        return self.audit is None and self.document is not None

    # What there is to read

    def current(self) -> Document | None:
        """The audit as a document: whole when it has ended, else with the runs that ended."""
        kept = self._reading()
        return kept[1] if kept is not None else None

    def _reading(self) -> tuple[int, Document, dict[Key, Run]] | None:
        """The document and its runs by cell, read again when more cells have ended."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        ended = -1 if self.document is not None else snapshot.done
        kept = self._read
        if kept is None or kept[0] != ended or kept[1].audit != snapshot.audit:
            document = self.document
            if document is None and self.audit is not None:
                document = self.audit.document()
            if document is None:
                return None
            runs = {(r.host, r.scenario, r.repeat): r for r in document.runs}
            self._read = kept = (ended, document, runs)
        return kept

    def run(self, pick: Pick) -> Run | None:
        """The run of a pick, None while it has not ended."""
        if self.snapshot is not None and pick.audit == self.snapshot.audit:
            kept = self._reading()
            return kept[2].get(pick.key) if kept else None
        document = self.documents.get(pick.audit)
        if document is None:
            return None
        return next((r for r in document.runs if (r.host, r.scenario, r.repeat) == pick.key), None)

    def document_of(self, pick: Pick) -> Document | None:
        """The audit that a pick belongs to, as far as it has come."""
        if self.snapshot is not None and pick.audit == self.snapshot.audit:
            return self.current()
        return self.documents.get(pick.audit)

    def runs(self) -> list[Run]:
        """The runs of the audit looked at that have ended."""
        document = self.current()
        return list(document.runs) if document is not None else []

    def choose(
        self,
        picks: Sequence[Pick],
        baseline: Pick | None = None,
        names: Mapping[Pick, str] | None = None,
    ) -> None:
        """Choose runs to look at; the baseline is the first unless told. `names` are for picks
        that stand for several hosts alike."""
        self.picks = tuple(dict.fromkeys(picks))
        self.names = dict(names or {})
        self.baseline = baseline or (self.picks[0] if self.picks else None)

    def pick(self, key: Key) -> Pick:
        """A pick in the audit that is looked at."""
        return Pick(self.snapshot.audit if self.snapshot else "", *key)

    def host(self, audit: str, name: str) -> HostReport | None:
        """What an audit says of a host."""
        document = self.documents.get(audit)
        if document is None:
            document = self.current()
        if document is None:
            return None
        return next((host for host in document.hosts if host.name == name), None)

    def open_log(self, pick: Pick) -> RunLog | None:
        """The log of a pick, as far as it has come; the caller closes it. From any thread."""
        run = self.run(pick)
        if run is not None:
            return self.core.store.log(run.id)
        if self.audit is not None and pick.audit == self.audit.id:
            return self.audit.live_log(*pick.key)
        return None

    def dockerfile(self, audit: str | None = None) -> Dockerfile | None:
        """The Dockerfile that was built, None where it cannot be read."""
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

    def titles(self, picks: Sequence[Pick]) -> list[str]:
        """A short name for each pick: only what tells them apart."""
        hosts = len({p.host for p in picks}) > 1
        scenarios = len({p.scenario for p in picks}) > 1
        repeats = len({p.repeat for p in picks}) > 1
        audits = len({p.audit for p in picks}) > 1
        found: list[str] = []
        for p in picks:
            words: list[str] = []
            if hosts or not scenarios:
                words.append(self.names.get(p, p.host))
            if scenarios:
                words.append(signs.short_scenario(p.scenario))
            if repeats:
                words.append(f"#{p.repeat}")
            if audits:
                words.append(f"@{p.audit.rsplit('-', 1)[-1]}")
            found.append(" ".join(words))
        return found
