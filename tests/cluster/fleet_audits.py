"""Audits of the recorded fleet in three scenarios, by whomever, and what came of them."""

from __future__ import annotations

from pathlib import Path

from cachetui.audit.audit import Audit
from cachetui.audit.host_elsewhere import Elsewhere
from cachetui.core import Core, Options
from cachetui.demo.fleet import Fleet
from cachetui.records.document import Document
from cachetui.store.database import Store

SCENARIOS = ("legacy-cold", "buildkit-cold", "buildkit-warm")


def core_by(fleet: Fleet, store: Path, elsewhere: Elsewhere | None) -> Core:
    """A core over the fleet that has its hosts audited so."""
    return Core(fleet.core().settings, Store(store), elsewhere=elsewhere)


def prepare(core: Core, **options: object) -> Audit:
    build = core.settings.builds["recorded-shop"]
    return core.prepare(build, core.settings.hosts, Options(scenarios=SCENARIOS, **options))  # type: ignore[arg-type]


def steps(document: Document) -> dict[tuple[str, str], list[tuple[object, str]]]:
    """What each step of each run did."""
    return {
        (run.host, run.scenario): [(step.id, step.status) for step in run.steps]
        for run in document.runs
    }


def how(document: Document) -> list[str]:
    """How it went with each host, with the reason where there is one."""
    return [
        f"{host.status}: {host.reason}" if host.reason else host.status for host in document.hosts
    ]


def lines(store: Store, document: Document) -> dict[tuple[str, str], int]:
    """How many lines each run printed."""
    counts = {}
    for run in document.runs:
        log = store.log(run.id)
        assert log is not None
        counts[run.host, run.scenario] = sum(1 for _ in log.whole())
        log.close()
    return counts
