"""An audit: all hosts at once, each in a thread of its own or by a process elsewhere, and the
document that comes of it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from cachetui import __version__
from cachetui.audit.expected_seconds import expected_seconds
from cachetui.audit.host_audit import HostAudit
from cachetui.audit.host_elsewhere import Elsewhere, HostElsewhere
from cachetui.audit.keeping import Keeping
from cachetui.audit.limits import NO_LIMITS, Limits, failed
from cachetui.audit.paced import Paced
from cachetui.audit.progress import Snapshot
from cachetui.audit.progress_tracker import ProgressTracker
from cachetui.audit.rehearsal import Rehearsal, rehearse
from cachetui.audit.task import AuditTask
from cachetui.builders.command_line import in_the_clear
from cachetui.compare.engines import with_same_engines
from cachetui.config.settings import HostSettings
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostConnector
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from cachetui.store.run_log import RunLog


def new_audit_id() -> str:
    """A new audit's name: `MMDD-HHMMSS-xxxx`, in UTC, with four random letters."""
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(4))
    return time.strftime("%m%d-%H%M%S-", time.gmtime()) + letters


class Audit:
    """The runs of one plan on some hosts. `run` blocks; all else may be called meanwhile."""

    def __init__(
        self,
        task: AuditTask,
        hosts: Sequence[HostSettings],
        connector: HostConnector,
        store: Store,
        limits: Limits = NO_LIMITS,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.id = task.audit
        self.build = task.settings
        self.dockerfile = task.dockerfile
        self.plan = task.plan
        self.task = task
        self._connector = connector
        self._store = store
        self._limits = limits
        self._elsewhere = elsewhere
        self._hosts = tuple(hosts)
        names = [host.name for host in hosts]
        self._progress = ProgressTracker(task.audit, task.settings.name, task.plan, names)
        self._keeping = Keeping(self._progress.not_kept)
        self._cancels = {name: threading.Event() for name in names}
        self._host_audits: dict[str, HostAudit | HostElsewhere] = {}
        self._stop_reasons: dict[str, str] = {}
        self._on_run: Callable[[Run], None] = lambda _: None
        self._keep_lock = threading.Lock()
        self._started_at = time.time()
        self._seconds = 0.0
        for name in task.context.left_out:
            self._progress.add_note(f"{name} is not a file, folder or link and was not sent")
        clear = in_the_clear(task.settings.build_args)
        if clear:
            self._progress.add_note(
                f"--build-arg {', '.join(clear)}: the value can be seen in a host's list of "
                "processes while it builds, since its shell or docker itself uses that name"
            )

    def run(self) -> Document:
        """Audit every host and keep the result; returns what there is, also when stopped, or when
        it cannot be kept (`trouble`). Raises `StoreError`: it cannot be from the start."""
        self._store.prepare()
        with self._store.in_use.working():
            self._store.keep_manifest(self.task.context.digest, self.task.context.entries)
            return self._run_hosts({host.name: None for host in self._hosts})

    def rerun(self, cells: Collection[tuple[str, str, int]]) -> Document:
        """Run these cells (host, scenario, repeat) again, stored or not; blocks like `run`."""
        wanted: dict[str, set[Planned]] = {}
        for host, scenario, repeat in cells:
            wanted.setdefault(host, set()).add(Planned(scenario, repeat))
        for name in wanted:
            self._cancels[name] = threading.Event()
        self._progress.requeue(list(cells))
        return self._run_hosts({name: frozenset(runs) for name, runs in wanted.items()})

    def stop(self, hosts: Collection[str] | None = None, reason: str = "stopped") -> None:
        """Stop these hosts (None: all). Returns at once; remote builds are ended."""
        for name, cancel in self._cancels.items():
            if (hosts is None or name in hosts) and not cancel.is_set():
                self._stop_reasons[name] = reason
                cancel.set()
        if hosts is None:
            self._progress.mark_stopping()

    def watch(self, callback: Callable[[Snapshot], None]) -> None:
        """Call `callback` with snapshots, from another thread, at most ten times a second."""
        self._progress.watch(callback)

    def watch_runs(self, callback: Callable[[Run], None]) -> None:
        """Call `callback` with each run as it ends or is taken from the store, from the thread of
        its host. An error that it raises fails that host."""
        self._on_run = callback

    def snapshot(self) -> Snapshot:
        return self._progress.snapshot()

    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None:
        """The log of a run under way; None when it is not (then the store has it)."""
        host_audit = self._host_audits.get(host)
        return host_audit.live_log(Planned(scenario, repeat)) if host_audit else None

    def rehearse(self, host: HostSettings) -> Rehearsal:
        """What would run on a host, asked without changing anything there. Raises `HostError`."""
        return rehearse(self.task, host, self._connector, self._store)

    @property
    def trouble(self) -> str | None:
        """Why this machine cannot keep all that the audit brought, and what helps."""
        return self._keeping.trouble

    @property
    def stopped(self) -> bool:
        return any(cancel.is_set() for cancel in self._cancels.values())

    def document(self) -> Document:
        """The audit's document so far, runs in the plan's order."""
        begun = [self._host_audits[h.name] for h in self._hosts if h.name in self._host_audits]
        place = {planned: number for number, planned in enumerate(self.plan.order)}
        return Document(
            audit=self.id,
            build=self.task.record,
            hosts=with_same_engines([host_audit.report for host_audit in begun]),
            runs=tuple(
                run
                for host_audit in begun
                for run in sorted(
                    host_audit.runs, key=lambda run: place.get(Planned(run.scenario, run.repeat), 0)
                )
            ),
            started_at=self._started_at,
            seconds=self._seconds,
            version=__version__,
            scenarios=self.plan.scenarios,
            notes=self._progress.notes,
        )

    def keep(self) -> Document:
        """Store the audit as far as it has come, if it can be; returns it.

        As hosts end this is `Paced`: an auditor that is killed loses of its record those that ended
        within the last ten times that one such write takes, but none of their runs.
        """
        with self._keep_lock:
            with self._keeping.trying():
                self._store.keep_audit(document := self.document())
                return document
            return self.document()  # with the note that it could not be kept

    def _run_hosts(self, wanted: dict[str, frozenset[Planned] | None]) -> Document:
        """Audit these hosts at once: all that is missing (None), or the runs named."""
        begun = time.monotonic() - self._seconds  # with what earlier parts of it took
        self._keeping.begin()
        self._progress.expect(
            expected_seconds(self._store, self.build.name, wanted, self.plan.scenarios)
        )
        hosts = [host for host in self._hosts if host.name in wanted]
        keeping = Paced(self.keep)

        def host_ended() -> None:
            self._seconds = time.monotonic() - begun
            keeping.ask()
            self._stop_if_too_many_failed()

        def run(host_audit: HostAudit) -> None:
            host_audit.run(wanted[host_audit.name])
            host_ended()

        with self._store.in_use.working(), self._until_deadline(), keeping.going():
            if self._elsewhere is None:
                run_on_all([self._begin(host) for host in hosts], run, self._limits.at_once)
            else:
                self._elsewhere.audit(
                    self.task,
                    [self._begin_elsewhere(host, wanted[host.name]) for host in hosts],
                    self._store,
                    self._keeping,
                    at_once=self._limits.at_once,
                    on_note=self._progress.add_note,
                    on_done=host_ended,
                )
        self._seconds = time.monotonic() - begun
        with self._keeping.trying():
            self._store.keep_missing(self.document().runs)
        document = self.keep()
        self._progress.finish()
        return document

    @contextmanager
    def _until_deadline(self) -> Iterator[None]:
        """Stop all hosts when the audit's time is over."""
        seconds = self._limits.deadline
        if seconds is None:
            yield
            return
        reason = f"stopped at the deadline of {seconds:g} s"
        timer = threading.Timer(seconds, self.stop, kwargs={"reason": reason})
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _stop_if_too_many_failed(self) -> None:
        allowed = self._limits.allowed(len(self._hosts))
        if allowed is None or self.stopped:
            return
        count = sum(failed(each.report, each.runs) for each in list(self._host_audits.values()))
        if count > allowed:
            hosts = "1 host has" if count == 1 else f"{count} hosts have"
            text = f"{hosts} failed, more than --max-fail {self._limits.max_failed_text} allows"
            self._progress.add_note(f"stopped: {text}")
            self.stop(reason=f"stopped: {text}")

    def _begin(self, host: HostSettings) -> HostAudit:
        """The audit of one host, with what an earlier go has brought."""
        host_audit = HostAudit(
            self.task,
            host,
            connector=self._connector,
            store=self._store,
            progress=self._progress,
            keeping=self._keeping,
            cancel=self._cancels[host.name],
            why_stopped=lambda: self._stop_reasons.get(host.name, "stopped"),
            on_run=lambda run: self._on_run(run),
        )
        earlier = self._host_audits.get(host.name)
        if isinstance(earlier, HostAudit):
            host_audit.take_over(earlier)
        self._host_audits[host.name] = host_audit
        return host_audit

    def _begin_elsewhere(
        self, host: HostSettings, only: frozenset[Planned] | None
    ) -> HostElsewhere:
        """The same for a host that another process audits."""
        part = HostElsewhere(
            host,
            only,
            self._progress,
            self._cancels[host.name],
            lambda: self._stop_reasons.get(host.name, "stopped"),
            lambda run: self._on_run(run),
        )
        earlier = self._host_audits.get(host.name)
        if isinstance(earlier, HostElsewhere):
            part.take_over(earlier)
        self._host_audits[host.name] = part
        return part
