"""The whole experiment: connect, say what can be shared, export, import everywhere, tidy, keep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from cachetui import __version__
from cachetui.audit.allowance import not_now
from cachetui.audit.engine_turns import turn
from cachetui.audit.leftovers import remove_noted
from cachetui.compare.engines import with_same_engines
from cachetui.config.settings import HostSettings
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import Cancel, HostConnector, HostError, Machine
from cachetui.prove.errors import no_experiment_on
from cachetui.prove.experiment_host import ExperimentHost
from cachetui.records.document import Document
from cachetui.records.host import HostReport, known_of
from cachetui.records.scenario import UNSHARED
from cachetui.records.share import Share, ShareExport, ShareImport
from cachetui.share.exporting import cannot_export, export, read_folder, unreachable
from cachetui.share.importing import Exported, cold_build, import_kind
from cachetui.share.kinds import Kind
from cachetui.share.planned_builds import BUILDS_COLD, PlannedBuilds, exporting, importing
from cachetui.share.setting import (
    OnProgress,
    SharedBuild,
    SharingHost,
    failed_report,
)
from cachetui.share.written import Remains, Written
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError


class NothingToShare(Exception):
    """The experiment cannot be made: says why, and what to do."""


@dataclass
class Sharing:
    """Prepared by `prepare`, run by `run`, ended by `close`. `exporter` is a host's name, None for
    the one that can export most; `notes` are what happened besides, `trouble` why not all of it
    could be kept."""

    shared: SharedBuild
    hosts: Sequence[HostSettings]
    exporter: str | None
    importers: Sequence[str] | None
    connector: HostConnector
    store: Store
    cancel: Cancel
    notes: list[str] = field(default_factory=list)
    trouble: StoreError | None = None
    on_progress: OnProgress = lambda _host, _what: None
    _connected: dict[str, SharingHost] = field(default_factory=dict)
    _reports: dict[str, HostReport] = field(default_factory=dict)
    _machines: list[Machine] = field(default_factory=list)
    _source: SharingHost | None = None
    _exports: list[ShareExport] = field(default_factory=list)
    _imports: list[ShareImport] = field(default_factory=list)
    _cold: dict[str, float] = field(default_factory=dict)
    _written: Written | None = None
    _left: Remains = field(default_factory=Remains)
    _began: float = field(default_factory=time.time)

    # Before anything runs

    def prepare(self) -> list[str]:
        """Connect to all hosts, and return what will be shared, in sentences. Nothing is changed.
        Raises `NothingToShare`."""
        for outcome in run_on_all(self.hosts, self._connect, cancel=self.cancel):
            name = outcome.item.name
            if isinstance(outcome.error, HostError):
                self._reports[name] = failed_report(
                    HostReport(name=name, status="failed"), outcome.error
                )
            elif outcome.error is not None:
                raise outcome.error
        self._leave_out_twins()
        source = self._source = self._choose()
        self._exports = [
            refused
            for kind in self.shared.kinds
            if (refused := cannot_export(source, kind)) is not None
        ]
        if not self._possible:
            raise NothingToShare(self._why_nothing())
        self._check_registry()
        return self._sentences()

    def _connect(self, settings: HostSettings) -> None:
        machine = self.connector.connect(settings, self.cancel)
        self._machines.append(machine)
        task = self.shared.task
        settings = with_chosen_builder(machine, settings, self.cancel)
        facts = ask_facts(
            machine, settings, task.base_images(), cancel=self.cancel, hasher=self.store.hasher
        )
        if facts.builder is not None and facts.builds_elsewhere:
            raise HostError(settings.name, "no-builder", *no_experiment_on(facts.builder))
        at = ExperimentHost(
            machine, settings, facts, task.audit, self.shared.root(facts), self.store, self.cancel
        )
        report = HostReport(name=settings.name, status="ok", **known_of(facts))
        self._reports[settings.name] = report
        self._connected[settings.name] = SharingHost(self.shared, at, report)

    def _leave_out_twins(self) -> None:
        """Leave out hosts that are one engine: its own cache would answer."""
        seen: dict[str, str] = {}
        order = sorted(self.hosts, key=lambda host: host.name != self.exporter)
        for name in [host.name for host in order if host.name in self._connected]:
            engine = self._connected[name].facts.same_engine
            if engine and engine in seen:
                del self._connected[name]
                self.notes.append(f"{name} is the same engine as {seen[engine]}, and is left out")
            elif engine:
                seen[engine] = name

    def _choose(self) -> SharingHost:
        """The host that exports. Raises `NothingToShare`."""
        if self.exporter is not None:
            if self.exporter in self._connected:
                return self._connected[self.exporter]
            report = self._reports[self.exporter]
            raise NothingToShare(f"{report.name}, which is to export: {_told(report)}")
        if not self._connected:
            raise NothingToShare("; ".join(f"{r.name}: {_told(r)}" for r in self._reports.values()))
        names = [host.name for host in self.hosts if host.name in self._connected]
        if self.importers is not None:
            names = [name for name in names if name not in self.importers] or names

        def cannot(name: str) -> int:
            return sum(
                cannot_export(self._connected[name], kind) is not None for kind in self.shared.kinds
            )

        return self._connected[min(names, key=cannot)]

    @property
    def source(self) -> SharingHost:
        """The host that exports; known once prepared."""
        assert self._source is not None
        return self._source

    @property
    def _possible(self) -> list[Kind]:
        """The kinds that are exported, or still to be."""
        out = {one.kind for one in self._exports if one.status != "ok"}
        return [kind for kind in self.shared.kinds if kind.name not in out]

    @property
    def _targets(self) -> list[SharingHost]:
        """The hosts that import."""
        wanted = self.importers
        return [
            host
            for name, host in self._connected.items()
            if host is not self._source and (wanted is None or name in wanted)
        ]

    def _why_nothing(self) -> str:
        reasons = dict.fromkeys(f"{one.reason}; {one.remedy}" for one in self._exports)
        return f"{self.source.name} can export none of the kinds asked for: {'; '.join(reasons)}"

    def _check_registry(self) -> None:
        """Raises `NothingToShare` where the registry is not to be had, before anything is built."""
        kind = next((kind for kind in self._possible if kind.via != "folder"), None)
        if kind is None:
            return
        for host in (self.source, *self._targets):
            trouble = unreachable(host, kind)
            if trouble is not None:
                raise NothingToShare(f"{host.name}: {trouble[0]}; {trouble[1]}")

    def _sentences(self) -> list[str]:
        if not self._targets:
            raise NothingToShare(
                f"there is no host besides {self.source.name} to import on; add one to hosts.toml"
            )
        return [*self.planned.sentences(self._exports), *self.notes]

    @property
    def planned(self) -> PlannedBuilds:
        """What is about to be built; known once prepared."""
        return PlannedBuilds(self.shared, self.source, self._targets, self._possible)

    # The experiment

    def run(self) -> Document:
        """Make all builds; returns what there is, also when stopped. Raises `StoreError` where
        nothing can be kept from the start."""
        self._began = time.time()  # not while the user was asked
        self.store.prepare()
        context = self.shared.task.context
        with self.store.in_use.working():
            self.store.keep_manifest(context.digest, context.entries)
            try:
                exported = self._export()
                if self.cancel.is_set():
                    for host in self._targets:
                        host.failed(HostError(host.name, "cancelled", "stopped"))
                elif exported.kinds:
                    for done in run_on_all(self._targets, lambda h: self._import(h, exported)):
                        if done.error is not None:
                            done.item.failed(_own_error(done.item.name, done.error))
            finally:
                self._tidy_up()
            document = self.document()
            try:
                self.store.keep_audit(document)
            except StoreError as error:
                self.trouble = error
            return document

    def _export(self) -> Exported:
        host = self.source
        exported = Exported(host, tuple(self._possible))
        done: list[Kind] = []
        with self._at_work(host):
            audit = self.shared.task.audit
            written = self._written = Written.begin(self.store, audit, host.at.host, host.facts)
            for kind in exported.kinds:
                folder = self.shared.folder(host.facts, kind) if kind.via == "folder" else ""
                written.will_write(ref=self.shared.ref(host.at.host, kind), folder=folder)
                result = export(host, kind, self._doing(host, exporting(kind)))
                if result.status == "ok" and kind.via == "folder":
                    contents = exported.folders[kind.name] = read_folder(host, kind)
                    result = msgspec.structs.replace(result, bytes=contents.bytes)
                self._exports.append(result)
                done += [kind] if result.status == "ok" else []
        return Exported(host, tuple(done), exported.folders, host.result_dates())

    def _import(self, host: SharingHost, exported: Exported) -> None:
        with self._at_work(host):
            host.will_import(exported.dates)
            cold = cold_build(host, self._doing(host, BUILDS_COLD))
            if cold.status != "ok":
                why = cold.reason or f"the cold build ended as {cold.status}"
                raise HostError(host.name, "shell", f"the build fails here without a cache: {why}")
            self._cold[host.name] = cold.seconds
            for kind in exported.kinds:
                doing = self._doing(host, importing(kind))
                self._imports.append(import_kind(host, exported, kind, cold, doing))

    @contextmanager
    def _at_work(self, host: SharingHost) -> Iterator[None]:
        """A host's turn; what was made is removed at its end. A host that fails is reported."""
        try:
            why = not_now(host.at.host, self.store)
            if why is not None:
                raise HostError(host.name, "not-now", why)
            what = f"audit {self.shared.task.audit}"
            with turn(host.machine, host.facts, what, self.cancel, self._waiting(host)):
                for removed in remove_noted(
                    host.machine, host.at.host, host.facts, self.store, self.cancel
                ):
                    self.notes.append(f"{host.name}: {removed}")
                self._remove_written_by_others(host)
                host.begin()
                try:
                    host.send_context()
                    yield
                finally:
                    self.on_progress(host.name, "cleans up")
                    self.notes += host.tidy()
        except HostError as error:
            host.failed(error)
        except StoreError as error:
            self.trouble = error
            host.failed(HostError(host.name, "not-now", "stopped: results could not be kept"))

    def _doing(self, host: SharingHost, what: str) -> Callable[[str], None]:
        self.on_progress(host.name, what)
        return lambda step: self.on_progress(host.name, f"{what}: {step}")

    def _waiting(self, host: SharingHost) -> Callable[[str | None], None]:
        return lambda why: self.on_progress(host.name, f"waits: {why}" if why else "goes on")

    def _remove_written_by_others(self, host: SharingHost) -> None:
        """Remove what experiments that are over left in a registry and in folders."""
        for written in Written.by_others(self.store, host.at.host, host.facts):
            what = ", ".join((*written.refs, *written.folders))
            remains = written.remove(host.machine)
            self.notes.append(f"{host.name}: removed what audit {written.audit} had left: {what}")
            if remains.stays or remains.later:
                stay = ", ".join((*remains.stays, *remains.later))
                self.notes[-1] += f"; but still in the registry: {stay}"

    def _tidy_up(self) -> None:
        """Remove the folders and references that the exporter wrote for the others."""
        if self._written is not None:
            self._left = self._written.remove(self.source.machine)

    def document(self) -> Document:
        """All that there is so far."""
        task, order = self.shared.task, [host.name for host in self.hosts]
        taking_part = (self.source, *self._targets)
        lost = {name: r for name, r in self._reports.items() if r.status != "ok"}
        reports = {**lost, **{host.name: host.report for host in taking_part}}
        runs = [run for host in taking_part for run in host.runs]
        names = [kind.name for kind in self.shared.kinds]
        scenarios = [UNSHARED.name]
        for kind in self.shared.kinds:
            scenarios += [kind.export_run.scenario, kind.import_run.scenario]
        return Document(
            audit=task.audit,
            build=task.record,
            hosts=with_same_engines([reports[name] for name in order if name in reports]),
            runs=tuple(sorted(runs, key=lambda r: (order.index(r.host), r.started_at))),
            started_at=self._began,
            seconds=time.time() - self._began,
            version=__version__,
            scenarios=tuple(name for name in scenarios if any(r.scenario == name for r in runs)),
            notes=tuple(self.notes),
            share=Share(
                exporter=self.source.name,
                kinds=tuple(names),
                exports=tuple(sorted(self._exports, key=lambda one: names.index(one.kind))),
                imports=tuple(
                    sorted(self._imports, key=lambda o: (order.index(o.host), names.index(o.kind)))
                ),
                cold=dict(sorted(self._cold.items(), key=lambda one: order.index(one[0]))),
                left=(*self._left.stays, *self._left.later),
                left_for_now=self._left.later,
            ),
        )

    def close(self) -> None:
        """Drop the connections, which ends what runs on them."""
        for machine in self._machines:
            machine.close()


def _own_error(name: str, error: BaseException) -> HostError:
    return HostError(name, "shell", f"an error in cachetui: {error!r}", "please report it")


def _told(report: HostReport) -> str:
    return "; ".join(filter(None, (report.reason, report.remedy)))
