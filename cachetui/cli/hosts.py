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
from cachetui.hosts.ask import ask_hosts
from cachetui.hosts.connect import Connector
from cachetui.records.host import HostReport


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
    reports: dict[str, HostReport] = {}

    def told(report: HostReport) -> None:
        reports[report.name] = report

    ask_hosts(Connector(), hosts, told, threading.Event())
    return [reports[host.name] for host in hosts]
