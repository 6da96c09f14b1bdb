"""One host's part of an audit: connect, ask, send, run what is missing, tidy up, report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from cachetui.audit.build_run import Job, Outcome, Recorder, run_build, unsupported_run
from cachetui.audit.cleanup import (
    added_bytes,
    cache_mounts,
    cache_records,
    empty_mounts_command,
    image_ids,
    image_parents,
    made_here,
    removal_command,
)
from cachetui.audit.plan import Plan, missing_with_needs
from cachetui.audit.progress_board import Board
from cachetui.audit.read_images import read_images
from cachetui.audit.redact import Redactor
from cachetui.audit.run_key import run_of
from cachetui.builders.command_line import Build, mount_namespace, tag
from cachetui.builders.step_map import StepMap
from cachetui.builders.unsupported import builds_other, unsupported
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.context.build_context import Context, ContextError
from cachetui.dockerfile.parse import Dockerfile, external_images
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.checkout import read_checkout
from cachetui.hosts.evidence import gather
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.hosts.upload import context_folder, put_folder
from cachetui.outputs.runs import contents_of
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord
from cachetui.records.host import HostFacts, HostReport, HostStatus
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.store.database import Store, StoreError
from cachetui.store.run_log import RunLog

TIDY_SECONDS = 300.0


class Connect(Protocol):
    """What `hosts.connect.Connector` offers."""

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine: ...


@dataclass(frozen=True)
class Task:
    """What is the same for every host of an audit. `max_age` in seconds, 0 for nothing stored.
    `outputs` says to read what each image holds before it is removed."""

    audit: str
    settings: BuildSettings
    record: BuildRecord
    context: Context
    dockerfile: Dockerfile
    plan: Plan
    max_age: float
    redactor: Redactor
    outputs: bool = False


@dataclass
class Visit:
    """The work on one host, in one thread. `recorders` are its runs under way, for live logs."""

    task: Task
    host: HostSettings
    connector: Connect
    store: Store
    board: Board
    cancel: Cancel
    runs: list[Run] = field(default_factory=list)
    recorders: dict[Planned, Recorder] = field(default_factory=dict)
    report: HostReport = field(init=False)
    machine: Machine | None = None
    facts: HostFacts | None = None
    commands: list[str] = field(default_factory=list)
    _printed: list[str] = field(default_factory=list)
    _bases: frozenset[str] = frozenset()
    _tags: dict[str, str | None] = field(default_factory=dict)
    _images_before: frozenset[str] = frozenset()
    _copied: int = 0
    _records_before: tuple[CacheRecord, ...] | None = None

    def __post_init__(self) -> None:
        self.report = HostReport(name=self.host.name, status="skipped")

    @property
    def name(self) -> str:
        return self.host.name

    def run(self, only: frozenset[Planned] | None = None) -> HostReport:
        """Do all of it (or the planned runs in `only`, even those that are stored). Nothing is
        raised: a host that fails is reported with its reason."""
        try:
            self._run(only)
        except HostError as error:
            self._failed(error)
        except (ContextError, StoreError) as error:
            self._end("failed", str(error), None)
        except Exception as error:
            self._end("failed", f"a fault of cachetui itself: {error!r}", "please report it")
        finally:
            if self.machine is not None:
                self.machine.close()
        return self.report

    def rehearse(self) -> Iterator[tuple[Planned, str | None, str | None]]:
        """Ask the host for its facts, and tell what would be run: each planned run with its
        command, or with the reason why there is none. Raises `HostError`."""
        facts = self._ask()
        stored: set[Planned] = set()
        for planned in self.task.plan.order:
            of = self._of(facts, planned)
            if of and self.store.find(of, self.task.max_age):
                stored.add(planned)
        missing = missing_with_needs(self.task.plan.order, stored)
        for planned in self.task.plan.order:
            reason = self._cannot(facts, planned.backend)
            if reason is None and planned not in missing:
                reason = "a stored run answers"
            job = self._job(facts, None, planned)
            yield planned, None if reason else job.command(values=False), reason

    def rehearse_tidying(self) -> list[str]:
        """What would be removed afterwards, after `rehearse`."""
        order = [planned for planned in self.task.plan.order if planned.kind.controlled]
        self._tags = {tag(self.task.audit, planned): "" for planned in order}
        note = "# afterwards: our tags, the images that legacy-cold made, our cache mounts"
        return [note, *self._tidying(())]

    def live_log(self, planned: Planned) -> RunLog | None:
        """The log of a run under way, as far as it has come."""
        recorder = self.recorders.get(planned)
        return recorder.log.so_far() if recorder else None

    # The way through

    def _run(self, only: frozenset[Planned] | None) -> None:
        facts = self._ask()
        self._report("ok")
        missing = self._missing(facts, only)
        if missing:
            with self._traces():
                self._gather(facts)
                build = self._send(facts)
                for planned in missing:
                    if self.cancel.is_set():
                        raise HostError(self.name, "cancelled", "stopped")
                    self._build(facts, build, planned)
                if self.task.outputs:
                    self._read_images(facts, missing)
        else:
            self.report = msgspec.structs.replace(self.report, left_behind_bytes=0)
        self.board.host(self.name, state="done")

    def _ask(self) -> HostFacts:
        """Connect, and learn what the host is."""
        self.board.host(self.name, state="connecting", reason=None, remedy=None)
        self.machine = self.connector.connect(self.host, self.cancel)
        self.board.host(self.name, state="asking")
        settings = self.task.settings
        bases = external_images(self.task.dockerfile, settings.target, settings.build_args)
        self.facts = ask_facts(self.machine, self.host, bases, cancel=self.cancel)
        self.board.host(self.name, facts=self.facts)
        return self.facts

    def _missing(self, facts: HostFacts, only: frozenset[Planned] | None) -> list[Planned]:
        """Settle what cannot be built or is stored; returns what is to be run."""
        stored: dict[Planned, Run] = {}
        settled: set[Planned] = set()
        possible: list[Planned] = []
        for planned in self.task.plan.order:
            wanted = only is None or planned in only
            reason = self._cannot(facts, planned.backend)
            if reason is not None:
                if wanted:
                    self._keep(self._not_tried(facts, planned, reason), "unsupported")
                continue
            possible.append(planned)
            of = self._of(facts, planned)
            self.board.cell(self._key(planned), expected=self.store.last_seconds(of))
            found = self.store.find(of, self.task.max_age) if of and only is None else None
            if (
                found is not None
                and self.task.outputs
                and contents_of(self.store, found.id) is None
            ):
                found = None  # it cannot tell what came out
            if found is not None:
                stored[planned] = found
            if found is not None or not wanted:
                settled.add(planned)
        missing = missing_with_needs(possible, settled)
        for planned, run in stored.items():
            if planned not in missing:
                self._keep(msgspec.structs.replace(run, stored=True), "stored")
        return missing

    def _not_tried(self, facts: HostFacts, planned: Planned, reason: str) -> Run:
        settings = self.task.settings
        steps = StepMap(
            self.task.dockerfile, settings.target, planned.backend, settings.build_args
        ).steps(final=True, run_failed=True)
        run = unsupported_run(self._job(facts, None, planned), steps, reason)
        self.store.keep_run(run)
        return run

    def _cannot(self, facts: HostFacts, backend: Backend) -> str | None:
        if backend not in facts.backends:
            return facts.missing.get(backend, f"{backend} does not work on this host")
        found = unsupported(
            self.task.dockerfile,
            self.task.settings.target,
            backend,
            facts.engine,
            facts.client,
            facts.buildx,
        )
        return f"line {found.line}: {found.reason}" if found else None

    def _send(self, facts: HostFacts) -> Build:
        assert self.machine is not None
        folder = context_folder(facts.cache_folder, self.task.context.digest)
        self.board.host(self.name, state="sending", sent=0, to_send=self.task.context.size)
        _, commands = put_folder(
            self.machine,
            folder,
            self.task.context.tar_members,
            on_sent=lambda sent: self.board.host(self.name, sent=sent),
            cancel=self.cancel,
        )
        self.commands += commands
        self.board.host(self.name, state="building")
        return self._remote_build(facts)

    def _remote_build(self, facts: HostFacts) -> Build:
        folder = context_folder(facts.cache_folder, self.task.context.digest)
        settings = self.task.settings
        return Build(
            context=f"{folder}/context",
            dockerfile=f"{folder}/{self.task.context.dockerfile}",
            target=settings.target,
            build_args=settings.build_args,
            network=settings.network,
            docker_args=settings.docker_args,
        )

    def _build(self, facts: HostFacts, build: Build, planned: Planned) -> None:
        assert self.machine is not None
        key = self._key(planned)
        job = self._job(facts, build, planned)
        self.board.cell(key, state="building")
        with self.store.spool() as folder:
            try:
                if job.tag is not None:
                    self._tags[job.tag] = None
                outcome = run_build(
                    self.machine,
                    job,
                    folder,
                    load=self._load(),
                    cancel=self.cancel,
                    on_start=lambda recorder: self.recorders.update({planned: recorder}),
                    on_change=lambda recorder: self._show(key, recorder),
                )
            finally:
                recorder = self.recorders.pop(planned, None)
                if recorder is not None:
                    recorder.close()
            if job.tag is not None and outcome.run.image is not None:
                self._tags[job.tag] = outcome.run.image.id
            if planned.kind.controlled and planned.backend == "legacy":
                self._printed += outcome.printed_images
                self._bases |= outcome.bases
            if not planned.kind.controlled:
                # What it left is the user's, as after any build of theirs.
                self._images_before |= image_ids(self.machine, self.host)
            self._ended(outcome, recorder)

    def _ended(self, outcome: Outcome, recorder: Recorder | None) -> None:
        run = outcome.run
        self.store.keep_run(
            run,
            log=recorder.log.path if recorder else None,
            raw=recorder.raw_path if recorder else None,
        )
        states = {"ok": "done", "cancelled": "cancelled", "lost": "failed"}
        self._keep(run, states.get(run.status, "failed"))
        if run.status == "cancelled":
            raise HostError(self.name, "cancelled", "stopped")
        if run.status == "lost":
            raise HostError(self.name, "lost", run.reason or "the connection broke")

    def _keep(self, run: Run, state: str) -> None:
        """Add a run to the audit, in place of one of the same scenario and repeat."""
        same = (run.scenario, run.repeat)
        self.runs = [r for r in self.runs if (r.scenario, r.repeat) != same]
        self.runs.append(run)
        counted = [step for step in run.steps if step.counts]
        self.board.cell(
            (run.host, run.scenario, run.repeat),
            state=state,
            step=len(run.steps),
            steps=len(run.steps),
            doing="",
            hits=sum(step.status == "hit" for step in counted),
            misses=sum(step.status != "hit" for step in counted),
            seconds=run.seconds,
            age=time.time() - run.started_at if run.stored else None,
            reason=run.reason,
            run=run.id,
        )

    # What came out

    def _read_images(self, facts: HostFacts, done: Sequence[Planned]) -> None:
        """Read what came out of these runs. After all builds: it is work for the host's disk,
        and would slow them down."""
        assert self.machine is not None
        self.board.host(self.name, state="reading")
        built = {(planned.scenario, planned.repeat) for planned in done}
        runs = [run for run in self.runs if (run.scenario, run.repeat) in built]
        self._copied, troubles = read_images(
            self.machine, self.host, facts, runs, self.store, self.task.redactor, self.cancel
        )
        for trouble in troubles:
            self.board.note(trouble)

    # What is left behind

    def _gather(self, facts: HostFacts) -> None:
        """Read what findings rest on before anything is built: caches, images, own checkout."""
        assert self.machine is not None
        as_found = [p for p in self.task.plan.order if not p.kind.controlled]
        folder = self.host.context_on_host or self.task.settings.context_on_host
        evidence = gather(
            self.machine,
            self.host,
            tuple(facts.bases),
            self._records_before,
            as_found=bool(as_found),
            legacy=any(p.backend == "legacy" for p in as_found),
        )
        if folder is not None:
            dockerfile = self.task.record.dockerfile
            checkout, entries = read_checkout(self.machine, folder, dockerfile, cancel=self.cancel)
            if checkout.digest is not None:
                self.store.keep_manifest(checkout.digest, entries)
            if checkout.problem is not None:
                self.board.note(f"{self.name}: context_on_host {folder}: {checkout.problem}")
            evidence = msgspec.structs.replace(evidence, checkout=checkout)
        self.report = msgspec.structs.replace(self.report, evidence=evidence)

    @contextmanager
    def _traces(self) -> Iterator[None]:
        """Count what the host holds before; tidy up and count again after, whatever happened."""
        assert self.machine is not None
        self._images_before = image_ids(self.machine, self.host)
        self._records_before = cache_records(self.machine, self.host)
        try:
            yield
        finally:
            with suppress(HostError):
                self._tidy()

    def _tidy(self) -> None:
        machine = self.machine
        assert machine is not None
        self.board.host(self.name, state="cleaning")
        new = image_ids(machine, self.host) - self._images_before if self._printed else frozenset()
        parents = image_parents(machine, self.host, new)
        ours = made_here(self._printed, self._bases, parents)
        commands = self._tidying(ours)
        self.commands += commands
        if self.cancel.is_set():
            # Whoever stopped it is waiting: the host finishes by itself.
            script = "; ".join(commands) or "true"
            machine.run(f"( {script} ) >/dev/null 2>&1 </dev/null &", timeout=5.0)
            return
        for command in commands:
            machine.run(command, timeout=TIDY_SECONDS)
        left = set(ours) & image_ids(machine, self.host) if ours else set()
        if left:
            self.board.note(f"{self.name}: {len(left)} images are in use and were left")
        records = cache_records(machine, self.host) if self._records_before is not None else None
        if records is None or self._records_before is None:
            return  # the engine did not tell in time: the report says so
        self.report = msgspec.structs.replace(
            self.report,
            left_behind_bytes=added_bytes(self._records_before, records) + self._copied,
            mounts=cache_mounts(records),
        )

    def _tidying(self, images: Sequence[str]) -> list[str]:
        """The commands that remove what is ours."""
        namespace = mount_namespace(self.task.audit)
        empty = None
        if any("-buildkit-" in name for name in self._tags):
            empty = empty_mounts_command(self.host, self.task.dockerfile, namespace)
        before = {None, *self._images_before}
        shared = [name for name, image in self._tags.items() if image in before]
        removal = removal_command(self.host, list(self._tags), images, shared)
        return [command for command in (removal, empty) if command]

    # Small parts

    def _job(self, facts: HostFacts, build: Build | None, planned: Planned) -> Job:
        other = builds_other(
            self.task.dockerfile, self.task.settings.target, planned.backend, facts.engine
        )
        return Job(
            audit=self.task.audit,
            host=self.host,
            facts=facts,
            planned=planned,
            build=build or self._remote_build(facts),
            dockerfile=self.task.dockerfile,
            redactor=self.task.redactor,
            of=self._of(facts, planned),
            notes=(other,) if other else (),
        )

    def _of(self, facts: HostFacts, planned: Planned) -> str:
        """What was found as it was is history, never an answer for today: it gets no key."""
        return (
            run_of(self.task.record, self.name, facts, planned) if planned.kind.controlled else ""
        )

    def _key(self, planned: Planned) -> tuple[str, str, int]:
        return (self.name, planned.scenario, planned.repeat)

    def _load(self) -> float | None:
        assert self.machine is not None
        with suppress(HostError, ValueError, IndexError):
            done = self.machine.run("cat /proc/loadavg 2>/dev/null", timeout=10.0)
            return float(done.text.split()[0])
        return None

    def _show(self, key: tuple[str, str, int], recorder: Recorder) -> None:
        """Tell the board how far a build has come."""
        steps = recorder.finished(ended=False, failed=False)
        begun = [step for step in steps if step.status != "not-reached"]
        counted = [step for step in begun if step.counts]
        self.board.cell(
            key,
            state="building",
            step=len(begun),
            steps=len(steps),
            doing=recorder.doing,
            hits=sum(step.status == "hit" for step in counted),
            misses=sum(step.status == "miss" for step in counted),
        )

    def _failed(self, error: HostError) -> None:
        if error.trouble == "cancelled":
            self._end("skipped", "stopped", None)
            return
        before_docker = error.trouble in ("unreachable", "host-key", "login", "timeout")
        unreachable = before_docker and self.facts is None
        self._end("unreachable" if unreachable else "failed", error.reason, error.remedy or None)

    def _end(self, status: HostStatus, reason: str, remedy: str | None) -> None:
        self._report(status, reason, remedy)
        host_states: Mapping[str, str] = {"skipped": "cancelled"}
        state = host_states.get(status, status)
        self.board.host(self.name, state=state, reason=reason, remedy=remedy)
        cell = {"skipped": "cancelled", "unreachable": "unreachable"}.get(status, "failed")
        self.board.rest(self.name, cell, reason)  # type: ignore[arg-type]

    def _report(
        self, status: HostStatus, reason: str | None = None, remedy: str | None = None
    ) -> None:
        facts = self.facts
        self.report = msgspec.structs.replace(
            self.report,
            status=status,
            reason=reason,
            remedy=remedy,
            engine=facts.engine if facts else None,
            buildx=facts.buildx if facts else None,
            store=facts.store if facts else None,
            backends=facts.backends if facts else (),
            facts=facts,
        )
