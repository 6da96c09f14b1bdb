"""What an audit would run on a host: its facts are asked for, and nothing there is changed."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from cachetui.audit.allowance import not_now
from cachetui.audit.host_runs import HostRuns
from cachetui.audit.leftovers import HostLeftovers
from cachetui.audit.made_images import Removable
from cachetui.audit.task import AuditTask
from cachetui.config.settings import HostSettings
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.machine import HostConnector, HostError
from cachetui.records.scenario import Planned
from cachetui.store.database import Store


@dataclass(frozen=True)
class RehearsedRun:
    """A run of the plan: its `command`, or the `reason` why it would not be made."""

    planned: Planned
    command: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Rehearsal:
    """The plan's runs on a host, in order, and the `removal` commands that follow."""

    runs: tuple[RehearsedRun, ...]
    removal: tuple[str, ...]


def rehearse(
    task: AuditTask, host: HostSettings, connector: HostConnector, store: Store
) -> Rehearsal:
    """Ask the host for its facts, and say what would be run. Commands name build arguments without
    their values. Raises `HostError`."""
    why = not_now(host, store)
    if why is not None:
        raise HostError(host.name, "not-now", f"not asked: {why}")
    cancel = Event()
    machine = connector.connect(host, cancel)
    try:
        host = with_chosen_builder(machine, host, cancel)
        facts = ask_facts(machine, host, task.base_images(), cancel=cancel)
    finally:
        machine.close()
    host_runs = HostRuns(task, host, facts, store)
    choice = host_runs.choose()
    runs: list[RehearsedRun] = []
    leftovers = HostLeftovers(task, host)
    for planned in task.plan.order:
        job = host_runs.job(planned)
        leftovers.expect(job)
        if job.tag is not None:
            leftovers.images.tags[job.tag] = ""
        if planned in choice.unsupported:
            runs.append(RehearsedRun(planned, reason=choice.unsupported[planned]))
        elif planned not in choice.missing:
            runs.append(RehearsedRun(planned, reason="a stored run answers"))
        else:
            runs.append(RehearsedRun(planned, job.shown_command))
    return Rehearsal(tuple(runs), tuple(leftovers.removal_commands(Removable())))
