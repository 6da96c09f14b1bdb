"""A stored audit as the snapshot it ended with, so Fleet can show it. Pure."""

from __future__ import annotations

from cachetui.audit.progress import Cell, HostProgress, HostState, Snapshot, steps_of
from cachetui.records.document import Document
from cachetui.records.host import HostStatus
from cachetui.records.run import Run
from cachetui.tui.view import signs

_HOST_STATES: dict[HostStatus, HostState] = {
    "ok": "done",
    "unreachable": "unreachable",
    "failed": "failed",
    "skipped": "cancelled",
}


def snapshot_of(document: Document) -> Snapshot:
    """The snapshot that a stored audit ended with."""
    runs = {(r.host, r.scenario, r.repeat): r for r in document.runs}
    repeats = max((r.repeat for r in document.runs), default=1)
    hosts = tuple(
        HostProgress(
            name=host.name,
            state=_HOST_STATES[host.status],
            facts=host.facts,
            reason=host.reason,
            remedy=host.remedy,
        )
        for host in document.hosts
    )
    cells: list[Cell] = []
    for host in document.hosts:
        for scenario in document.scenarios:
            for repeat in range(1, repeats + 1):
                run = runs.get((host.name, scenario, repeat))
                cells.append(
                    cell_of(run, document)
                    if run is not None
                    else Cell(
                        host=host.name,
                        scenario=scenario,
                        repeat=repeat,
                        state="unreachable" if host.status == "unreachable" else "skipped",
                        reason=host.reason,
                    )
                )
    return Snapshot(
        audit=document.audit,
        build=document.build.name,
        scenarios=document.scenarios,
        repeats=repeats,
        hosts=hosts,
        cells=tuple(cells),
        elapsed=document.seconds,
        finished=True,
        notes=document.notes,
    )


def cell_of(run: Run, document: Document) -> Cell:
    """A stored run as a cell of the matrix."""
    counted = [step for step in run.steps if step.counts]
    hits = sum(step.status == "hit" for step in counted)
    came, steps = steps_of(run.steps)
    stored = run.stored and run.status == "ok"
    return Cell(
        host=run.host,
        scenario=run.scenario,
        repeat=run.repeat,
        state="stored" if stored else signs.RUN[run.status],
        step=came,
        steps=steps,
        hits=hits,
        misses=len(counted) - hits,
        seconds=run.seconds if run.status in ("ok", "failed") else None,
        age=max(0.0, document.started_at - run.started_at) if stored else None,
        reason=run.reason,
        run=run.id,
    )
