"""`cachetui run --dry-run`: every command for every host; asks for facts and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.audit.audit import Audit
from cachetui.audit.rehearsal import Rehearsal
from cachetui.config.settings import HostSettings
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError


def dry_run(audit: Audit, hosts: Sequence[HostSettings]) -> str:
    """The commands, host by host, as a shell script with comments. Build arguments have no values:
    docker takes those from the environment."""
    lines_of: dict[str, list[str]] = {}

    def rehearse(host: HostSettings) -> None:
        try:
            lines_of[host.name] = _lines(audit.rehearse(host))
        except HostError as error:
            lines_of[host.name] = [f"# {error.reason}", f"# {error.remedy}"]

    run_on_all(list(hosts), rehearse)
    lines = [f"# {note}" for note in audit.plan.notes]
    for host in hosts:
        lines += ["", f"# host {host.name} ({host.address})", *lines_of[host.name]]
    return "\n".join(lines).strip() + "\n"


def _lines(rehearsal: Rehearsal) -> list[str]:
    lines: list[str] = []
    for run in rehearsal.runs:
        repeat = f", repeat {run.planned.repeat}" if run.planned.repeat > 1 else ""
        label = f"# {run.planned.scenario}{repeat}"
        lines += [f"{label}: {run.reason}"] if run.command is None else [label, run.command]
    note = "# afterwards: the tags, images of legacy-cold and cache mounts of this audit"
    return [*lines, note, *rehearsal.removal]
