"""`cachetui run --dry-run`: every command for every host; asks for facts and changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from cachetui.audit.host_audit import Visit
from cachetui.config.settings import HostSettings
from cachetui.core import FAN_OUT, Audit
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError


def dry_run(audit: Audit, hosts: Sequence[HostSettings]) -> str:
    """The commands, host by host, as a shell script with comments. Build arguments stand without
    their values, which docker takes from the environment."""
    told: dict[str, list[str]] = {}

    def one(host: HostSettings) -> None:
        visit = audit.visit(host, threading.Event())
        try:
            told[host.name] = _host(visit)
        except HostError as error:
            told[host.name] = [f"# {error.reason}", f"# {error.remedy}"]
        finally:
            if visit.machine is not None:
                visit.machine.close()

    run_on_all(list(hosts), one, FAN_OUT)
    lines = [f"# {note}" for note in audit.plan.notes]
    for host in hosts:
        lines += ["", f"# host {host.name} ({host.address})", *told[host.name]]
    return "\n".join(lines).strip() + "\n"


def _host(visit: Visit) -> list[str]:
    lines: list[str] = []
    for planned, command, reason in visit.rehearse():
        label = f"# {planned.scenario}" + (
            f", repeat {planned.repeat}" if planned.repeat > 1 else ""
        )
        lines += [f"{label}: {reason}"] if reason else [label]
        lines += [command] if command else []
    return lines + visit.rehearse_tidying()
