"""What is shared: the build, the kinds, and one host as the experiment sees it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

import msgspec

from cachetui.audit.build_recorder import BuildRecorder
from cachetui.audit.cache_growth import possible_bytes
from cachetui.audit.cleanup import cache_records
from cachetui.audit.host_outcome import status_after
from cachetui.audit.import_notes import ImportNotes
from cachetui.audit.import_removal import ImportRemoval, removes_imports, result_dates
from cachetui.audit.redact import Redactor
from cachetui.audit.task import AuditTask
from cachetui.builders.command_line import Build
from cachetui.builders.docker_args import without
from cachetui.builders.registry_refs import ref_of
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import parse
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.hosts.upload import (
    context_folder,
    named_on_host,
    path_on_host,
    put_context,
    remove_folder_command,
)
from cachetui.prove.derived_build import BEGIN, DerivedBuild
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.records.host import HostFacts, HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.records.step import StepId
from cachetui.share.kept import cut_after
from cachetui.share.kinds import Kind
from cachetui.store.database import Store

OWN_OPTIONS = ("cache-from", "cache-to", "output", "load", "push", "tag", "no-cache")
"""Options of the build's own that an experiment has in its own way."""

OnProgress = Callable[[str, str], None]
"""Called with a host's name and what is done there."""


@dataclass(frozen=True)
class SharedBuild:
    """The build and what it is shared through."""

    task: AuditTask
    kinds: tuple[Kind, ...]
    registry: str | None

    def repository(self, host: HostSettings) -> str | None:
        """Where a host reaches the registry."""
        return host.registry or self.registry

    def ref(self, host: HostSettings, kind: Kind) -> str:
        """Where a kind lies as a host reaches it; "" where it lies in a folder, or nowhere."""
        repository = self.repository(host)
        if kind.via == "folder" or repository is None:
            return ""
        return ref_of(repository, self.task.audit, kind.name)

    def name(self, kind: Kind | None) -> str:
        """What tells the builds of a kind apart from all others: their RUN steps have it among
        their hosts' names, and their cache mounts among their ids. None: of no kind."""
        return f"{self.task.audit}-{kind.name if kind else 'none'}"

    def folder(self, facts: HostFacts, kind: Kind) -> str:
        """Where a cache's folder lies on a host: below what `cachetui clean` looks through."""
        return f"{facts.cache_folder}/contexts/{self.name(kind)}"

    def derived(
        self,
        facts: HostFacts,
        kind: Kind | None,
        planned: Planned,
        words: Sequence[str],
        stage: int | None = None,
    ) -> DerivedBuild:
        """The build with these options; with `stage` that stage alone, which leaves no image."""
        task, settings = self.task, self.task.settings
        folder = context_folder(facts.cache_folder, task.context.digest)
        file, script, dockerfile = path_on_host(folder, task.context.dockerfile), BEGIN, None
        target = settings.target
        if stage is not None:
            text = cut_after(task.record.dockerfile_text, task.dockerfile, stage)
            file = f"{self.root(facts)}/stage-{stage}"
            script = _writing(self.root(facts), file, text, self._own_ignore)
            dockerfile, target = parse(text, settings.build_args), None
        build = Build(
            context=path_on_host(folder),
            dockerfile=file,
            target=target,
            build_args=settings.build_args,
            network=settings.network,
            docker_args=(*without(settings.docker_args, *OWN_OPTIONS), *words),
            named_contexts=named_on_host(folder, settings.named_contexts),
        )
        name = self.name(kind)
        return DerivedBuild(
            script, build, dockerfile or task.dockerfile, StepId(-1, 0), planned, name=name
        )

    def root(self, facts: HostFacts) -> str:
        """What an experiment writes on a host besides caches."""
        return f"{facts.cache_folder}/contexts/share-{self.task.audit}"

    @property
    def _own_ignore(self) -> str | None:
        """The text of the ignore file that is for this Dockerfile alone."""
        return self.task.record.ignore_files.get(f"{self.task.context.dockerfile}.dockerignore")


def _writing(root: str, file: str, text: str, ignore: str | None) -> str:
    lines = [BEGIN, f"mkdir -p {shlex.quote(root)}"]
    lines.append(f"printf %s {shlex.quote(text)} >{shlex.quote(file)}")
    if ignore is not None:
        lines.append(f"printf %s {shlex.quote(ignore)} >{shlex.quote(file + '.dockerignore')}")
    return "\n".join(lines)


@dataclass
class SharingHost:
    """A host that is connected. `report` is what the document says of it, `runs` are those that
    it made; `reading` is held by whoever uses the connection for another host."""

    shared: SharedBuild
    at: ExperimentHost
    report: HostReport
    runs: list[Run] = field(default_factory=list)
    reading: Lock = field(default_factory=Lock)
    _before: tuple[CacheRecord, ...] | None = None
    _import_dates: frozenset[str] = frozenset()
    _imports: ImportNotes | None = None

    @property
    def name(self) -> str:
        return self.at.host.name

    @property
    def facts(self) -> HostFacts:
        return self.at.facts

    @property
    def machine(self) -> Machine:
        return self.at.machine

    @property
    def cancel(self) -> Cancel:
        return self.at.cancel

    def begin(self) -> None:
        """See what is there before anything is made. Raises `HostError` and `StoreError`."""
        self.at.begin()
        self._before = cache_records(self.machine, self.at.host, self.facts.builder)

    def result_dates(self) -> frozenset[str]:
        """When each result in its cache was made: see `audit.import_removal`. Raises
        `HostError`."""
        return result_dates(self.machine, self.at.host, self.facts)

    def will_import(self, dates: frozenset[str]) -> None:
        """From now on results of these dates (see `result_dates`) come into the host's own cache.
        Raises `StoreError` where that cannot be noted."""
        self._import_dates = dates
        if removes_imports(self.facts, dates) and self._before is not None:
            self._imports = ImportNotes.begin(
                self._store, self.shared.task.audit, self.at.host, self.facts, self._before, dates
            )

    def tidy(self) -> list[str]:
        """Remove what was made here, but for what others still read, and measure what stays; what
        could not be removed, in sentences."""
        self.at.tidy()
        notes: list[str] = []
        gone = False
        try:
            with suppress(HostError):
                removal = ImportRemoval(self.machine, self.at.host, self.facts, self.cancel)
                after, stays = removal.take_out(self._before, self._import_dates)
                gone = stays is None and not self.cancel.is_set()
                notes += [f"{self.name}: {stays}"] if stays is not None else []
                self._measure(after)
        finally:
            if self._imports is not None:
                self._imports.removed(gone)
                self._imports = None
        return notes

    def _measure(self, after: Sequence[CacheRecord] | None) -> None:
        """Tell what stays in the cache, by what it holds now."""
        if self._before is not None and not self.cancel.is_set():
            items = self.shared.task.dockerfile.instructions
            added = possible_bytes(self._before, after, items) if after is not None else None
            self.report = msgspec.structs.replace(
                self.report, left_behind_bytes=added, left_behind_at_most=bool(added)
            )

    def failed(self, error: HostError) -> None:
        """It ended before all was done."""
        self.report = failed_report(self.report, error)

    def send_context(self) -> None:
        """Raises `HostError`."""
        context = self.shared.task.context
        put_context(
            self.machine,
            context_folder(self.facts.cache_folder, context.digest),
            context,
            on_sent=lambda _: None,
            cancel=self.cancel,
        )

    def build(self, build: DerivedBuild, on_doing: Callable[[str], None], *, keep: bool) -> Run:
        """Run a build; with `keep` it is one of the audit's, with its log. Raises `HostError` and
        `StoreError`."""
        runs: list[Run] = []

        def ended(run: Run, recorder: BuildRecorder) -> None:
            own = msgspec.structs.replace(run, audit=self.shared.task.audit)
            if keep:
                self._store.keep_run(own, log=recorder.log.path)
                self.runs.append(own)
            runs.append(own)

        def doing(what: str) -> None:
            if self._imports is not None:
                self._imports.goes_on()
            on_doing(what)

        self.at.build(build, self._redactor, doing, ended)
        return runs[0]

    def remove_folder(self, folder: str) -> None:
        """Remove a folder of ours. Raises `HostError`."""
        self.machine.run(remove_folder_command(folder), timeout=300.0)

    @property
    def _store(self) -> Store:
        return self.at.store

    @property
    def _redactor(self) -> Redactor:
        return self.shared.task.redactor


def failed_report(report: HostReport, error: HostError) -> HostReport:
    """The report of a host that ended before all was done."""
    return msgspec.structs.replace(
        report,
        status=status_after(error, report.facts),
        reason=error.reason,
        remedy=error.remedy or None,
    )
