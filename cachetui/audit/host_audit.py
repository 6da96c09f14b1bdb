"""One host's part of an audit: connect, ask, send, run what is missing, remove, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cachetui.audit.allowance import Allowance
from cachetui.audit.build_recorder import BuildRecorder
from cachetui.audit.build_run import BuildOutcome, run_build
from cachetui.audit.engine_turns import NO_LEASE, turn
from cachetui.audit.host_evidence import ask_after, ask_before, evidence_after, evidence_before
from cachetui.audit.host_outcome import HostOutcome
from cachetui.audit.host_progress import HostProgressReporter
from cachetui.audit.host_runs import HostRuns
from cachetui.audit.keeping import NOT_KEPT, Keeping
from cachetui.audit.leftovers import HostLeftovers, remove_noted
from cachetui.audit.own_cache_look import OwnCacheLook
from cachetui.audit.progress import CellState
from cachetui.audit.progress_tracker import ProgressTracker
from cachetui.audit.read_images import read_images
from cachetui.audit.task import AuditTask
from cachetui.config.settings import HostSettings
from cachetui.context.manifest import ContextError
from cachetui.hosts.asked_ahead import AskedAhead
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.machine import Cancel, HostConnector, HostError, Machine
from cachetui.hosts.upload import put_context
from cachetui.records.host import HostFacts, HostReport
from cachetui.records.run import Run, RunStatus
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from cachetui.store.run_log import RunLog
from cachetui.store.troubles import StoreError, cannot_keep

_CELL_STATES: dict[RunStatus, CellState] = {
    "ok": "done",
    "failed": "failed",
    "lost": "failed",
    "cancelled": "cancelled",
    "unsupported": "unsupported",
}


AFTER_LOSS = "when it is back, run again with -w @failed"


@dataclass(frozen=True)
class _ConnectedHost:
    """A connected host whose facts are known, for as long as the audit is there."""

    machine: AskedAhead
    facts: HostFacts
    runs: HostRuns
    leftovers: HostLeftovers


class HostAudit:
    """The audit of one host, in one thread. `runs` are those that there are so far."""

    def __init__(
        self,
        task: AuditTask,
        host: HostSettings,
        *,
        connector: HostConnector,
        store: Store,
        progress: ProgressTracker,
        keeping: Keeping,
        cancel: Cancel,
        allowance: Allowance | None = None,
        why_stopped: Callable[[], str] = lambda: "stopped",
        on_run: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self.name = host.name
        self.runs: list[Run] = []
        self._task = task
        self._host = host
        self._connector = connector
        self._store = store
        self._progress = HostProgressReporter(progress, host.name)
        self._outcome = HostOutcome(host.name, self._progress, why_stopped)
        self._keeping = keeping
        self._allowance = allowance or Allowance(host, store)
        self._cancel = cancel
        self._on_run = on_run
        self._recorders: dict[Planned, BuildRecorder] = {}

    @property
    def report(self) -> HostReport:
        """What is known of the host so far."""
        return self._outcome.report

    def take_over(self, earlier: HostAudit) -> None:
        """Begin with what an earlier go brought."""
        self.runs, self._outcome.report = earlier.runs, earlier.report

    def run(self, only: frozenset[Planned] | None = None) -> HostReport:
        """Do all of it (or the planned runs in `only`, even those that are stored). Nothing is
        raised: a host that fails is reported with its reason."""
        facts: HostFacts | None = None
        machine: Machine | None = None
        try:
            self._check_allowed("not asked")
            self._progress.connecting()
            machine = self._connector.connect(self._host, self._cancel)
            self._progress.state("asking")
            self._host = with_chosen_builder(machine, self._host, self._cancel)
            facts = ask_facts(
                machine,
                self._host,
                self._task.base_images(),
                cancel=self._cancel,
                hasher=self._store.hasher,
            )
            self._outcome.connected(facts)
            self._audit(machine, facts, only)
            self._progress.state("done")
        except HostError as error:
            self._outcome.failed(error, facts)
        except StoreError as error:
            self._keeping.failed(error)
            self._outcome.ended("skipped", facts, f"stopped: {NOT_KEPT}")
        except ContextError as error:
            self._outcome.ended("failed", facts, str(error))
        except Exception as error:
            what = f"an error in cachetui: {error!r}"
            self._outcome.ended("failed", facts, what, "please report it")
        finally:
            if machine is not None:
                machine.close()
        return self.report

    def live_log(self, planned: Planned) -> RunLog | None:
        """The log of a run under way, as far as it has come."""
        recorder = self._recorders.get(planned)
        with suppress(OSError):  # the file is gone
            return recorder.log.so_far() if recorder else None
        return None

    def _audit(self, machine: Machine, facts: HostFacts, only: frozenset[Planned] | None) -> None:
        runs = HostRuns(self._task, self._host, facts, self._store)
        missing = self._settle(runs, only)
        if not missing:
            self._outcome.change(left_behind_bytes=0)
            return
        leftovers = HostLeftovers(self._task, self._host, triggers=facts.triggers)
        connected = _ConnectedHost(AskedAhead(machine), facts, runs, leftovers)
        with self._turn(machine, facts), self._leftovers_removed(connected):
            self._gather_evidence(connected)
            self._send(connected)
            for planned in missing:
                if self._cancel.is_set():
                    raise HostError(self.name, "cancelled", "stopped")
                self._check_allowed("stopped")
                self._build(connected, planned)
            self._read_bases_again(connected)
            if self._task.outputs:
                self._read_images(connected, missing)

    def _check_allowed(self, what: str) -> None:
        """Raises `HostError` when nothing may be built on the host now."""
        why = NOT_KEPT if self._keeping.trouble else self._allowance.not_now()
        if why is not None:
            raise HostError(self.name, "not-now", f"{what}: {why}")

    def _settle(self, runs: HostRuns, only: frozenset[Planned] | None) -> list[Planned]:
        """Keep the runs that need no build; returns those that are to be made."""
        choice = runs.choose(only)
        for planned in choice.missing:
            total = runs.step_map(planned).total
            self._progress.expected(planned, total, runs.last_seconds(planned))
        for planned, reason in choice.unsupported.items():
            run = runs.unsupported_run(planned, reason)
            with self._keeping.trying():
                self._store.keep_run(run)
            self._keep(run, "unsupported")
        for run in choice.stored.values():
            self._keep(msgspec.structs.replace(run, stored=True), "stored")
        return choice.missing

    @contextmanager
    def _turn(self, machine: Machine, facts: HostFacts) -> Iterator[None]:
        """Build on an engine when nobody else does: see `engine_turns`."""
        begun: list[tuple[float, str]] = []

        def wait(why: str | None) -> None:
            if why is not None:
                begun.append((time.monotonic(), why))
                self._progress.waiting(why)
                return
            self._progress.waited()
            waited = time.monotonic() - begun[0][0]
            self._progress.note(f"{self.name}: waited {waited:.0f} s, as {begun[0][1]}")
            begun.clear()

        with turn(machine, facts, f"audit {self._task.audit}", self._cancel, wait) as release:
            yield
            with suppress(HostError):
                if not release():
                    self._progress.note(f"{self.name}: {NO_LEASE}")

    @contextmanager
    def _leftovers_removed(self, connected: _ConnectedHost) -> Iterator[None]:
        """Measure the host before; remove what is ours and measure again, whatever happened."""
        for removed in remove_noted(
            connected.machine, self._host, connected.facts, self._store, self._cancel
        ):
            self._progress.note(f"{self.name}: {removed}")
        ask_before(connected.machine, connected.runs, self._cancel)
        connected.leftovers.measure_before(
            connected.machine, connected.facts, self._store, self._keeping.failed
        )
        try:
            yield
        finally:
            self._progress.state("cleaning")
            self._outcome.change(not_asked_since=time.time())
            with suppress(HostError):
                remains = connected.leftovers.remove(connected.machine, self._cancel)
                if remains is not None:
                    self._outcome.left(remains)

    def _gather_evidence(self, connected: _ConnectedHost) -> None:
        evidence, problems = evidence_before(
            connected.machine,
            self._host,
            connected.facts,
            self._task,
            self._store,
            connected.leftovers.records_before,
            self._cancel,
        )
        for problem in problems:
            self._progress.note(f"{self.name}: {problem}")
        self._outcome.change(evidence=evidence)

    def _read_bases_again(self, connected: _ConnectedHost) -> None:
        evidence = self.report.evidence
        if evidence is not None:
            ask_after(connected.machine, connected.runs, self._cancel)
            evidence = evidence_after(
                connected.machine,
                self._host,
                connected.facts,
                self._task,
                evidence,
                self._store.hasher,
            )
            self._outcome.change(evidence=evidence)

    def _send(self, connected: _ConnectedHost) -> None:
        self._progress.sending(self._task.context.size)
        put_context(
            connected.machine,
            connected.runs.context_folder,
            self._task.context,
            on_sent=self._progress.sent,
            cancel=self._cancel,
        )
        self._outcome.change(context_there=True)
        self._progress.state("building")

    def _build(self, connected: _ConnectedHost, planned: Planned) -> None:
        job = connected.runs.job(planned)
        self._allowance.count_build()
        self._progress.build_begins(planned)
        look = OwnCacheLook(connected.runs, connected.leftovers) if planned.kind.imports else None
        if look is not None:
            look.take(connected.machine, planned, self._cancel)
        with self._store.spool() as folder:
            try:
                connected.leftovers.expect(job)
                if self._keeping.trouble:  # what is made now could not be noted
                    raise HostError(self.name, "not-now", f"stopped: {NOT_KEPT}")
                outcome = run_build(
                    connected.machine,
                    job,
                    folder,
                    cancel=self._cancel,
                    on_start=lambda recorder: self._recorders.update({planned: recorder}),
                    on_change=lambda recorder: self._building(connected, planned, recorder),
                )
            finally:
                recorder = self._recorders.pop(planned, None)
                if recorder is not None:
                    recorder.close()
            if look is not None:
                outcome = look.told(connected.machine, outcome, self._cancel)
            try:
                connected.leftovers.add(connected.machine, job, outcome)
                if planned.kind.leaves_images:
                    connected.leftovers.leave_images(connected.machine)
            finally:  # the run is kept, also where the host can no longer be asked
                self._build_ended(outcome, recorder)

    def _building(
        self, connected: _ConnectedHost, planned: Planned, recorder: BuildRecorder
    ) -> None:
        self._progress.building(planned, recorder)
        connected.leftovers.building(recorder.job, recorder)

    def _build_ended(self, outcome: BuildOutcome, recorder: BuildRecorder | None) -> None:
        run = outcome.run
        if recorder is not None and recorder.trouble is not None:
            error = cannot_keep("results", self._store.folder, recorder.trouble)
            self._keeping.failed(error)
            run = msgspec.structs.replace(run, notes=(*run.notes, f"its log ends early: {error}"))
        with self._keeping.trying():
            self._store.keep_run(run, log=_if_there(recorder.log.path) if recorder else None)
        self._keep(run, _CELL_STATES[run.status])
        if run.status == "cancelled":
            raise HostError(self.name, "cancelled", "stopped")
        if run.status == "lost":
            raise HostError(self.name, "lost", run.reason or "the connection broke", AFTER_LOSS)

    def _read_images(self, connected: _ConnectedHost, built: Sequence[Planned]) -> None:
        """Read what these runs' images hold. After all builds: it is work for the host's disk,
        and would slow them down."""
        self._progress.state("reading")
        keys = {(planned.scenario, planned.repeat) for planned in built}
        connected.leftovers.copied_bytes, problems = read_images(
            connected.machine,
            self._host,
            connected.facts,
            [run for run in self.runs if (run.scenario, run.repeat) in keys],
            self._store,
            self._task.redactor,
            self._cancel,
        )
        for problem in problems:
            self._progress.note(problem)

    def _keep(self, run: Run, state: CellState) -> None:
        """Add a run to the audit, in place of one of the same scenario and repeat."""
        same = (run.scenario, run.repeat)
        self.runs = [other for other in self.runs if (other.scenario, other.repeat) != same]
        self.runs.append(run)
        self._progress.run_ended(run, state)
        self._on_run(run)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
