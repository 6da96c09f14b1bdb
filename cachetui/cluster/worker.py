"""What a worker does: audit one host, as a thread of an audit does here, and tell of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from cachetui import __version__
from cachetui.audit.host_audit import HostAudit
from cachetui.audit.progress import Cell, Snapshot
from cachetui.audit.progress_tracker import Key, ProgressTracker
from cachetui.audit.task import AuditTask
from cachetui.cluster import log_records
from cachetui.cluster.auditors_store import (
    AuditorsAllowance,
    AuditorsKeeping,
    AuditorsStore,
)
from cachetui.cluster.context_copy import ContextCopy, CopiedContext
from cachetui.cluster.link import AuditorGone, Calls, Link
from cachetui.cluster.messages import PIECE, Granted, HostOrder, LogWanted, NotGranted
from cachetui.context.own_folder import OwnFolder
from cachetui.hosts.connect import Connector
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.store.log_piece import piece_of

LINGER = 30.0
"""Seconds that a process keeps what an audit's hosts share, the context above all, for the next
host of the same audit."""


class NoPrompts:
    """Nobody is at a worker to be asked: its user's agents and files have to do."""

    def passphrase(self, path: str) -> str | None:  # noqa: ARG002
        return None

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:  # noqa: ARG002
        return False


@dataclass
class AuditHere:
    """One audit in this process: what its hosts share. On the auditor's own machine the context's
    files are read where they are."""

    link: Link
    same_machine: bool = False
    connector: Connector = field(default_factory=lambda: Connector(NoPrompts()))
    context: ContextCopy = field(default_factory=ContextCopy)
    users: int = 0
    task: AuditTask | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def task_for(self, calls: Calls) -> AuditTask:
        """The audit's task, asked for once."""
        with self.lock:
            if self.task is None:
                self.task = calls("task")
            task = self.task
        if self.same_machine:
            return task
        return replace(task, context=CopiedContext.of(task.context, self.context, calls))

    def close(self) -> None:
        self.link.end()
        self.connector.close()
        self.context.close()


_audits: dict[str, AuditHere] = {}
_lock = threading.Lock()


def audit_host(order: HostOrder) -> None:
    """The Dask task. Everything that it finds out is told while it goes on, and nothing is raised:
    when the auditor is gone, or has this done already, it just ends."""
    from cachetui.cluster.dask_queues import link_of, worker_address

    if order.version != __version__:
        raise RuntimeError(f"cachetui {__version__} on this worker, {order.version} asked for")
    audit_order(order, lambda: AuditHere(link_of(order.desk)), worker_address())


def audit_order(order: HostOrder, begin: Callable[[], AuditHere], worker: str) -> None:
    """Audit the host of an order. `begin` is asked for its audit where this process has not begun
    it yet; `worker` is what reports call this one."""
    with _audit_here(order.desk, begin) as here:
        execution = uuid.uuid4().hex
        calls = Calls(here.link, execution)
        with suppress(AuditorGone, NotGranted):
            granted: Granted = calls("begin", order.host, order.attempt, worker)
            with OwnFolder() as own:
                _Execution(here, execution, calls, granted, own.path).run()


@contextmanager
def _audit_here(desk: str, begin: Callable[[], AuditHere]) -> Iterator[AuditHere]:
    """The audit of that name in this process, for as long as one of its hosts is audited, and
    `LINGER` seconds more."""
    with _lock:
        here = _audits.get(desk)
        if here is None or here.link.ended:
            here = _audits[desk] = begin()
        here.users += 1
    try:
        yield here
    finally:
        with _lock:
            here.users -= 1
        timer = threading.Timer(LINGER, _close_if_over, (desk, here))
        timer.daemon = True
        timer.start()


def _close_if_over(desk: str, here: AuditHere) -> None:
    """Let go of an audit none of whose hosts is audited here now."""
    with _lock:
        if here.users:
            return
        if _audits.get(desk) is here:
            del _audits[desk]
    here.close()


class _Execution:
    """One host that is audited, and what was told of it last."""

    def __init__(
        self, here: AuditHere, execution: str, calls: Calls, granted: Granted, folder: Path
    ) -> None:
        self._here, self._name, self._calls, self._only = here, execution, calls, granted.only
        self._granted = granted
        task = here.task_for(calls)
        host = granted.host
        self._tracker = ProgressTracker(task.audit, task.settings.name, task.plan, [host.name])
        self._cancel = threading.Event()
        self._reason = "stopped"
        self._told = _Told(self._tracker.snapshot())
        self._audit = HostAudit(
            task,
            host,
            connector=here.connector,
            store=AuditorsStore(calls, granted.hasher_key, folder),
            progress=self._tracker,
            keeping=AuditorsKeeping(calls),
            cancel=self._cancel,
            allowance=AuditorsAllowance(calls),
            why_stopped=lambda: self._reason,
            on_run=self._ran,
        )

    def run(self) -> None:
        """Audit the host. Raises `AuditorGone` and `NotGranted`."""
        self._here.link.on_stop(self._name, self._stop)
        self._here.link.on_log_wanted(self._name, self._give_log)
        try:
            self._tracker.watch(self._tell)
            with self._log_told():
                self._audit.run(self._only)
            self._tracker.finish()
            self._calls("end", self._audit.report)
        finally:
            self._here.link.on_stop(self._name, None)
            self._here.link.on_log_wanted(self._name, None)

    def _log_told(self) -> AbstractContextManager[None]:
        if not self._granted.logged:
            return nullcontext()
        return log_records.told(
            self._granted.host.name, lambda fields: self._calls.tell("logged", fields)
        )

    def _give_log(self, wanted: LogWanted) -> None:
        log = self._audit.live_log(wanted.planned)
        if log is not None:
            with log, suppress(OSError):  # its run has ended meanwhile
                piece = piece_of(log, wanted.block, PIECE)
                self._calls.tell("log", wanted.planned, piece)

    def _stop(self, reason: str) -> None:
        self._reason = reason
        self._cancel.set()

    def _ran(self, run: Run) -> None:
        self._calls.tell("ran", run)

    def _tell(self, snapshot: Snapshot) -> None:
        self._told.tell_changes(snapshot, self._audit.report, self._calls)


class _Told:
    """What was told of a host last, so that only changes are told."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._lock = threading.Lock()
        self._snapshot = snapshot
        self._report: HostReport | None = None

    def tell_changes(self, snapshot: Snapshot, report: HostReport, calls: Calls) -> None:
        """Tell the changed fields of the host's progress and of its cells by key, notes that are
        new, and the report where it is another. A snapshot that comes late tells nothing."""
        with self._lock:
            before, known = self._snapshot, self._report
            if snapshot.elapsed < before.elapsed:
                return
            self._snapshot, self._report = snapshot, report
            host = _differences(before.hosts[0], snapshot.hosts[0])
            cells: dict[Key, dict[str, Any]] = {
                cell.key: fields
                for old, cell in zip(before.cells, snapshot.cells, strict=True)
                if (fields := _cell_differences(old, cell))
            }
            notes = tuple(note for note in snapshot.notes if note not in before.notes)
            new = report if report is not known else None
            if host or cells or notes or new is not None:
                calls.tell("progress", host, cells, notes, new)


def _differences(old: msgspec.Struct, new: msgspec.Struct) -> dict[str, Any]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in new.__struct_fields__)
    return {name: after for name, before, after in pairs if before is not after and before != after}


def _cell_differences(old: Cell, new: Cell) -> dict[str, Any]:
    """A cell that builds has a clock of its own with the auditor."""
    fields = _differences(old, new)
    if new.state == "building":
        fields.pop("seconds", None)
    return fields
