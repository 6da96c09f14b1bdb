"""Ask hosts for their facts side by side, and build nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.config.settings import HostSettings
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import Outcome, run_on_all
from cachetui.hosts.machine import Cancel, HostConnector, HostError
from cachetui.records.host import HostReport, known_of


def ask_hosts(
    connector: HostConnector,
    hosts: Sequence[HostSettings],
    told: Callable[[HostReport], None],
    cancel: Cancel,
    *,
    usage: bool = True,
) -> None:
    """Tell the report of each host as soon as it has answered; one that cannot be asked says why.
    Without `usage` nothing is asked that makes the engine look through its disk. After `cancel`
    nothing more is told."""

    def ask(host: HostSettings) -> HostReport:
        return _ask(connector, host, cancel, usage=usage)

    def done(outcome: Outcome[HostSettings, HostReport]) -> None:
        if cancel.is_set():
            return
        told(outcome.value or _broken(outcome.item, outcome.error))

    run_on_all(list(hosts), ask, cancel=cancel, on_done=done)


def _ask(
    connector: HostConnector, host: HostSettings, cancel: Cancel, *, usage: bool
) -> HostReport:
    machine = None
    try:
        machine = connector.connect(host, cancel)
        host = with_chosen_builder(machine, host, cancel)
        facts = ask_facts(machine, host, (), usage=usage, cancel=cancel)
        return HostReport(name=host.name, status="ok", **known_of(facts))
    except HostError as error:
        return HostReport(
            name=host.name,
            status="unreachable" if machine is None else "failed",
            reason=error.reason,
            remedy=error.remedy or None,
        )
    finally:
        if machine is not None:
            machine.close()


def _broken(host: HostSettings, error: BaseException | None) -> HostReport:
    return HostReport(name=host.name, status="failed", reason=f"it could not be asked: {error}")
