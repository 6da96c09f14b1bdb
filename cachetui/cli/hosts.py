"""`cachetui hosts`: every host's facts, asked for side by side."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cachetui.cli.result import check_output, write_result
from cachetui.config.settings import HostSettings
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError
from cachetui.records.host import HostReport, known_of


def hosts_command(hosts: Sequence[HostSettings], output_format: str, output: Path | None) -> int:
    """Print the facts; exit code 2 when a host could not be asked."""
    from cachetui.report import hosts as report
    from cachetui.report import style

    check_output(output)
    reports = ask_all(hosts)
    if output_format == "json":
        text = msgspec.json.format(msgspec.json.encode(reports), indent=2).decode()
    elif output_format == "markdown":
        text = report.markdown(reports)
    else:
        color = style.wanted(output is None and sys.stdout.isatty(), os.environ)
        width = shutil.get_terminal_size((160, 24)).columns
        text = report.table(reports, width=width, color=color)
    write_result(text, output)
    return SAME if all(each.status == "ok" for each in reports) else TROUBLE


def ask_all(hosts: Sequence[HostSettings]) -> list[HostReport]:
    """The facts of these hosts, in their order; a host that cannot be asked says why."""
    connector = Connector()
    reports: dict[str, HostReport] = {}

    def ask(host: HostSettings) -> None:
        reports[host.name] = _ask(connector, host)

    run_on_all(list(hosts), ask)
    return [reports[host.name] for host in hosts]


def _ask(connector: Connector, host: HostSettings) -> HostReport:
    machine = None
    try:
        machine = connector.connect(host, threading.Event())
        facts = ask_facts(machine, host, ())
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
