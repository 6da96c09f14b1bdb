"""An experiment with shared caches as an audit that the app starts, watches and stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from cachetui.audit.progress import Cell, CellState, HostProgress, HostState, Snapshot
from cachetui.records.scenario import UNSHARED
from cachetui.tui.view.stored_snapshot import cell_of, snapshot_of

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.records.document import Document
    from cachetui.share.sharing import Sharing
    from cachetui.store.run_log import RunLog
    from cachetui.tui.view.fleet_rows import CellKey

OnSnapshot = Callable[[Snapshot], None]


class SharingAudit:
    """A prepared `Sharing`, with the cells of its builds; closed when `run` returns."""

    def __init__(self, sharing: Sharing, cancel: threading.Event) -> None:
        self._sharing, self._cancel = sharing, cancel
        self._task = sharing.shared.task
        self._planned = sharing.planned
        self._builds = self._planned.scenarios()
        self._doing: dict[str, tuple[str, str]] = {}  # host → what, and its step
        self._began = time.time()
        self._document: Document | None = None
        self._on_change: OnSnapshot = lambda _: None
        sharing.on_progress = self._progressed

    @property
    def id(self) -> str:
        return self._task.audit

    @property
    def build(self) -> BuildSettings:
        return self._task.settings

    @property
    def dockerfile(self) -> Dockerfile:
        return self._task.dockerfile

    def run(self) -> Document:
        """Make all builds. Raises `StoreError` where nothing can be kept."""
        self._began = time.time()
        try:
            document = self._sharing.run()
        finally:
            self._sharing.close()
        self._document = document
        if self._sharing.trouble is not None:
            raise self._sharing.trouble
        return document

    def stop(self, hosts: Collection[str] | None = None) -> None:
        """Stop it: without one of its hosts the rest shows nothing."""
        del hosts
        self._cancel.set()

    def watch(self, callback: OnSnapshot) -> None:
        """Call this, from any thread, with each new snapshot."""
        self._on_change = callback

    def _progressed(self, host: str, what: str) -> None:
        words, _, step = what.partition(": ")
        self._doing[host] = (words, step)
        self._on_change(self.snapshot())

    def snapshot(self) -> Snapshot:
        """How far it is."""
        if self._document is not None:
            return snapshot_of(self._document)
        document = self.document()
        ended = {(run.host, run.scenario): run for run in document.runs}
        names = dict.fromkeys(name for names in self._builds.values() for name in names)
        scenarios = tuple(sorted(names, key=lambda name: name != UNSHARED.name))
        cells: list[Cell] = []
        for host, wanted in self._builds.items():
            for scenario in scenarios:
                run = ended.get((host, scenario))
                cells.append(
                    cell_of(run, document)
                    if run is not None
                    else self._cell(host, scenario, planned=scenario in wanted)
                )
        return Snapshot(
            audit=self.id,
            build=self.build.name,
            scenarios=scenarios,
            repeats=1,
            hosts=tuple(self._host(host) for host in self._builds),
            cells=tuple(cells),
            elapsed=time.time() - self._began,
            stopping=self._cancel.is_set(),
            notes=document.notes,
        )

    def _cell(self, host: str, scenario: str, *, planned: bool) -> Cell:
        what, step = self._doing.get(host, ("", ""))
        state: CellState = "queued" if planned else "skipped"
        at_work = planned and self._planned.scenario_of(what) == scenario
        if at_work:
            state = "building"
        return Cell(
            host=host, scenario=scenario, repeat=1, state=state, doing=step if at_work else ""
        )

    def _host(self, name: str) -> HostProgress:
        what, _ = self._doing.get(name, ("", ""))
        state: HostState = "queued"
        if what.startswith("waits"):
            state = "waiting"
        elif what == "cleans up":
            state = "done"
        elif what:
            state = "building"
        return HostProgress(name=name, state=state)

    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None:
        """None: logs are there once a build has ended."""
        del host, scenario, repeat
        return None

    def rerun(self, cells: Collection[CellKey]) -> Document:
        """What there is: no part of it can be made again by itself."""
        del cells
        return self.document()

    def document(self) -> Document:
        """All that there is so far."""
        return self._document or self._sharing.document()

    def keep(self) -> Document:
        """Store what there is so far. Raises `StoreError`."""
        document = self.document()
        self._sharing.store.keep_audit(document)
        return document
