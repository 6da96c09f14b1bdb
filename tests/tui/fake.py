"""A core without hosts: it plays documents of `tests.make_records` as audits under way.

An audit's time is set by the test (`at`), or runs by the clock for demonstrations (`pace`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cachetui.audit.progress import Cell, HostProgress, Snapshot
from cachetui.config.settings import BuildSettings, HostSettings, Settings
from cachetui.dockerfile.parse import Dockerfile, parse
from cachetui.findings import Findings
from cachetui.hosts.machine import Cancel
from cachetui.outputs.outputs_report import NOT_LOOKED_AT, OutputImage, OutputsReport
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.stale import StaleCheck
from cachetui.records.step import StepId
from cachetui.store.audit_records import AuditEntry
from cachetui.store.log_writer import LogWriter
from cachetui.store.run_log import RunLog
from cachetui.tui.view.stored_snapshot import snapshot_of
from tests import make_records

BEFORE = 2.0
"""Seconds a host takes to connect, tell its facts and take the context."""


def settings(document: Document, builds: bool = True) -> Settings:
    """A hosts.toml for the hosts and the build of a document."""
    build = BuildSettings(name=document.build.name, context=Path("/src/api"))
    return Settings(
        path=Path("/src/hosts.toml"),
        hosts=tuple(
            HostSettings(name=h.name, address=f"{h.name}.example.com", tags=("linux", "runner"))
            for h in document.hosts
        ),
        builds={build.name: build} if builds else {},
    )


def log_lines(run: Run) -> list[tuple[StepId | None, bytes]]:
    """What a run prints: a few lines a step that ran, taking turns as parallel stages do."""
    pieces: list[tuple[float, StepId | None, bytes]] = [
        (0.0, None, f'#0 building with "default" instance on {run.host}\n'.encode())
    ]
    for step in run.steps:
        if step.status not in ("miss", "failed") or step.keyword == "FROM":
            continue
        start, end = step.started or 0.0, step.finished or 0.0
        for number in range(8):
            at = start + (end - start) * number / 8
            text = f"{step.keyword} {number} of 8: [{step.stage} {step.index}/5] {at:.1f}s done\n"
            pieces.append((at, step.id, text.encode()))
        if step.error:
            pieces.append((end, step.id, f"ERROR: {step.error}\n".encode()))
    pieces.sort(key=lambda piece: piece[0])
    return [(step, data) for _, step, data in pieces]


class FakeMarks:
    """What was agreed to, in memory; `trouble` is raised where it is to be kept."""

    def __init__(self) -> None:
        self.agreed: list[str] = []
        self.trouble: Exception | None = None

    def not_agreed(self, hosts: Iterable[str]) -> tuple[str, ...]:
        return tuple(host for host in hosts if host not in self.agreed)

    def agree(self, hosts: Iterable[str]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.agreed += hosts


class FakeStore:
    """Documents and logs in memory."""

    def __init__(self, documents: Sequence[Document] = (), folder: Path | None = None) -> None:
        self.warnings: list[str] = []
        self.marks = FakeMarks()
        self.documents = {document.audit: document for document in documents}
        self.logs: dict[str, bytes] = {}
        self.gone: dict[str, str] = {}
        self.pinned: set[str] = set()
        self.used: list[str] = []
        self.folder = folder

    def audits(self) -> list[AuditEntry]:
        return sorted(
            (
                AuditEntry(
                    audit=d.audit,
                    build=d.build.name,
                    started_at=d.started_at,
                    seconds=d.seconds,
                    hosts=len(d.hosts),
                    runs=len(d.runs),
                    failed=sum(r.status not in ("ok", "unsupported") for r in d.runs),
                    scenarios=d.scenarios,
                    pinned=d.audit in self.pinned,
                )
                for d in self.documents.values()
            ),
            key=lambda entry: -entry.started_at,
        )

    def audit(self, audit: str) -> Document | None:
        return self.documents.get(audit)

    def blob(self, key: str) -> None:
        """Nothing is kept of images."""

    def run(self, run_id: str) -> Run | None:
        for document in self.documents.values():
            for run in document.runs:
                if run.id == run_id:
                    return run
        return None

    def log(self, run_id: str) -> RunLog | None:
        if run_id in self.gone:
            return None
        if run_id not in self.logs:
            run = self.run(run_id)
            if run is None or not run.steps:
                return None
            self.logs[run_id] = packed(log_lines(run))
        return RunLog.open(self.logs[run_id])

    def log_gone(self, run_id: str) -> str | None:
        return self.gone.get(run_id)

    def use(self, audit: str) -> None:
        self.used.append(audit)

    def pin(self, audit: str, pinned: bool) -> None:
        (self.pinned.add if pinned else self.pinned.discard)(audit)

    def delete_audit(self, audit: str) -> None:
        self.documents.pop(audit, None)


def packed(lines: Sequence[tuple[StepId | None, bytes]]) -> bytes:
    """Lines as the file of a kept log."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        writer = LogWriter(path)
        for step, data in lines:
            writer.write(step, data)
        writer.close()
        return path.read_bytes()


class FakeAudit:
    """Plays a document. `run` returns when the time has come to the end, or when stopped.

    With `pace` (seconds of the audit a second) the time goes by the clock; else it stands until
    the test calls `at`. `stubborn` ignores `stop`, as a blocked thread would.
    """

    def __init__(
        self,
        document: Document,
        build: BuildSettings,
        store: FakeStore,
        *,
        pace: float = 0.0,
        stubborn: bool = False,
    ) -> None:
        self.id = document.audit
        self.build = build
        self.whole = document
        self.dockerfile: Dockerfile = parse(document.build.dockerfile_text)
        self.stopped: list[Collection[str] | None] = []
        self.reran: list[list[tuple[str, str, int]]] = []
        self._store = store
        self._pace = pace
        self._stubborn = stubborn
        self._time = 0.0
        self._turn = threading.Condition()
        self._watchers: list[Callable[[Snapshot], None]] = []
        self._ended = False
        self._began = time.monotonic()
        self.length = BEFORE + max(
            (
                sum(r.seconds for r in document.runs if r.host == host.name and not r.stored)
                for host in document.hosts
            ),
            default=0.0,
        )

    def at(self, seconds: float) -> None:
        """Set the audit's time, and tell those who watch."""
        with self._turn:
            self._time = seconds
            self._turn.notify_all()
        self._tell()

    def end(self) -> None:
        """Let the audit end."""
        self.at(self.length)

    def _tell(self) -> None:
        snapshot = self.snapshot()
        for watcher in self._watchers:
            watcher(snapshot)

    def run(self) -> Document:
        self._began = time.monotonic()
        while True:
            with self._turn:
                if self._pace:
                    self._turn.wait(0.1)
                    self._time = (time.monotonic() - self._began) * self._pace
                else:
                    self._turn.wait_for(lambda: self._over)
                if self._over:
                    break
            self._tell()
        self._ended = True
        document = self.document()
        self._store.documents[self.id] = document
        self._tell()
        return document

    @property
    def _over(self) -> bool:
        return self._time >= self.length or (None in self.stopped and not self._stubborn)

    def rerun(self, cells: Collection[tuple[str, str, int]]) -> Document:
        self.reran.append(list(cells))
        return self.run()

    def stop(self, hosts: Collection[str] | None = None) -> None:
        with self._turn:
            self.stopped.append(hosts)
            self._turn.notify_all()

    def watch(self, callback: Callable[[Snapshot], None]) -> None:
        self._watchers.append(callback)

    def document(self) -> Document:
        done = {c.key for c in self.snapshot().cells if c.run}
        runs = tuple(r for r in self.whole.runs if (r.host, r.scenario, r.repeat) in done)
        return msgspec.structs.replace(self.whole, runs=runs)

    def keep(self) -> Document:
        return self.document()

    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None:
        for run in self.whole.runs:
            if (run.host, run.scenario, run.repeat) == (host, scenario, repeat):
                return RunLog.open(packed(log_lines(run)[:12]))
        return None

    def snapshot(self) -> Snapshot:
        final = snapshot_of(self.whole)
        if self._time >= self.length:
            return msgspec.structs.replace(final, finished=self._ended or not self._pace)
        now = self._time
        cells: list[Cell] = []
        hosts: list[HostProgress] = []
        runs = {(r.host, r.scenario, r.repeat): r for r in self.whole.runs}
        for host in final.hosts:
            begin = BEFORE
            for cell in (c for c in final.cells if c.host == host.name):
                run = runs.get(cell.key)
                if run is None:
                    late = cell.state == "unreachable" and now > BEFORE / 2
                    cells.append(cell if late else _queued(cell))
                    continue
                end = begin + (0.0 if run.stored else run.seconds)
                cells.append(_cell_at(cell, run, now - begin, now >= end, now >= begin))
                begin = end
            hosts.append(_host_at(host, now, begin))
        return msgspec.structs.replace(
            final,
            hosts=tuple(hosts),
            cells=tuple(cells),
            elapsed=now,
            remaining=max(0.0, self.length - now),
            finished=self._ended,
            stopping=bool(self.stopped) and None in self.stopped,
        )


def _queued(cell: Cell) -> Cell:
    return Cell(host=cell.host, scenario=cell.scenario, repeat=cell.repeat, state="queued")


def _cell_at(cell: Cell, run: Run, since: float, ended: bool, begun: bool) -> Cell:
    if ended:
        return cell
    if not begun:
        return _queued(cell)
    past = [s for s in run.steps if s.started is not None and s.started <= since]
    at_work = [s for s in past if s.finished is not None and s.finished > since] or past
    return Cell(
        host=cell.host,
        scenario=cell.scenario,
        repeat=cell.repeat,
        state="building",
        step=sum(s.finished is not None and s.finished <= since for s in past),
        steps=len(run.steps),
        doing=at_work[-1].instruction if at_work else "",
        seconds=since,
        expected=run.seconds,
    )


def _host_at(host: HostProgress, now: float, end: float) -> HostProgress:
    if host.state == "unreachable":
        return host if now > BEFORE / 2 else HostProgress(name=host.name, state="connecting")
    if now >= end:
        return host
    if now < BEFORE / 4:
        return HostProgress(name=host.name, state="connecting")
    if now < BEFORE / 2:
        return HostProgress(name=host.name, state="asking")
    state: Any = "sending" if now < BEFORE else "building"
    return msgspec.structs.replace(
        host, state=state, sent=int(1_830_000 * min(1.0, now / BEFORE)), to_send=1_830_000
    )


class FakeCore:
    """Prepares audits that play `document`; `kept` are in the store already."""

    hosts_are = ""

    def __init__(
        self,
        document: Document | None = None,
        *,
        kept: Sequence[Document] = (),
        hosts: bool = True,
        builds: bool = True,
        pace: float = 0.0,
        stubborn: bool = False,
    ) -> None:
        self.document = document or make_records.document()
        self.settings = settings(self.document, builds)
        if not hosts:
            self.settings = Settings(path=None, hosts=(), builds={})
        self.store = FakeStore(kept)
        self.asker: Any = None
        self.prepared: list[tuple[BuildSettings, list[str], Any]] = []
        self.audit: FakeAudit | None = None
        self.refusal: Exception | None = None
        self.below: list[BuildSettings] = []
        self.targets: list[str] = []  # of each file of builds
        self.found = Findings()
        self.hosts_asked: list[list[str]] = []
        self.silent: set[str] = set()
        self.removed: list[str] = []
        self.stale: tuple[StaleCheck, ...] = ()
        self.stale_asked: list[str] = []
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.experiments: Callable[..., Any] = lambda **_: None
        self.shared: list[tuple[BuildSettings, list[str], list[str], dict[str, Any]]] = []
        self.sharings: Callable[..., Any] = lambda **_: None
        self.suggestion = '[[hosts]]\nname = "ci-1"\naddress = "ci-1"\n'
        self._pace = pace
        self._stubborn = stubborn

    def prepare(
        self, build: BuildSettings, hosts: Sequence[HostSettings], options: Any
    ) -> FakeAudit:
        if self.refusal is not None:
            raise self.refusal
        self.prepared.append((build, [host.name for host in hosts], options))
        self.audit = FakeAudit(
            self.document, build, self.store, pace=self._pace, stubborn=self._stubborn
        )
        return self.audit

    def findings(self, document: Document) -> Findings:
        del document
        return self.found

    def ask_hosts(
        self, hosts: Sequence[HostSettings], told: Callable[[HostReport], None], cancel: Cancel
    ) -> None:
        """Those of the document answer what it says of them, but for the `silent` ones."""
        self.hosts_asked.append([host.name for host in hosts])
        for report in self.document.hosts:
            if report.name not in self.silent:
                told(report)
        while self.silent and not cancel.is_set():
            time.sleep(0.005)

    def prune(self, audit: str) -> list[str]:
        del audit
        return self.removed

    def experiment(self, document: Document, finding: str, **options: Any) -> Any:
        self.asked.append((document.audit, finding, options))
        if self.refusal is not None:
            raise self.refusal
        return self.experiments(**options)

    def sharing(
        self,
        build: BuildSettings,
        hosts: Sequence[HostSettings],
        kinds: Sequence[Any],
        **options: Any,
    ) -> Any:
        """What the test plays as an experiment with shared caches."""
        if self.refusal is not None:
            raise self.refusal
        self.shared.append(
            (build, [host.name for host in hosts], [kind.name for kind in kinds], options)
        )
        return self.sharings(**options)

    def checked_for_stale(self, document: Document, cancel: Cancel) -> Document:
        """What the test says that the comparison finds."""
        self.stale_asked.append(document.audit)
        assert not cancel.is_set()
        return msgspec.structs.replace(document, stale=self.stale)

    def outputs(self, pairs: Sequence[tuple[Document, Run]], *, strict: bool) -> OutputsReport:
        """No image was looked at."""
        images = [
            OutputImage(
                run=r.id,
                host=r.host,
                scenario=r.scenario,
                repeat=r.repeat,
                reason=NOT_LOOKED_AT,
            )
            for _, r in pairs
        ]
        return OutputsReport(baseline=None, strict=strict, images=tuple(images))

    def opener(self, pairs: Sequence[tuple[Document, Run]]) -> Any:
        """Opens no file: there is no image."""
        raise AssertionError(f"no file can be opened of {len(pairs)} runs")

    def builds_below(self, folder: Path) -> list[BuildSettings]:
        del folder
        return self.below

    def builds_in(self, build: BuildSettings) -> list[BuildSettings]:
        return [
            msgspec.structs.replace(build, name=name, source=f"{build.source}#{name}")
            for name in self.targets
        ]

    def suggest_hosts(self) -> str:
        return self.suggestion

    def adopt(self, path: Path) -> None:
        from cachetui.config.hosts_toml import load

        self.settings = load(path)
