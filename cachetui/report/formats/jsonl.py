"""An audit as JSON Lines: a line for each run, then for each host and finding, then the verdict.

Each line is one object whose `line` says what it is, so that a program can read what it wants and
pass over what later versions add. Objects are those of the JSON format.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cachetui.compare.align import agree
from cachetui.records.base import Record
from cachetui.records.run import Run
from cachetui.records.to_json import to_json
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import Format
from cachetui.report.formats.json import escaped


def run_line(run: Run) -> str:
    """The line of a run, without its line break."""
    return _line("run", run)


def closing_lines(report: AuditReport) -> Iterator[str]:
    """The lines after those of the runs."""
    document = report.document
    yield from (_line("host", host) for host in document.hosts)
    yield from (_line("finding", finding) for finding in report.findings.findings)
    verdict = {
        "line": "audit",
        "audit": document.audit,
        "build": document.build.name,
        "hosts": len(document.hosts),
        "runs": len(document.runs),
        "agree": agree(document).agree,
        "seconds": document.seconds,
        "version": document.version,
    }
    yield escaped(msgspec.json.encode(verdict).decode())


def _line(kind: str, record: Record) -> str:
    raw = to_json(record).decode()
    return escaped(f'{{"line":"{kind}",{raw[1:]}')


def render(report: AuditReport) -> str:
    """All lines, those of the runs in the plan's order; findings whatever the report's limit."""
    runs = (run_line(run) for run in report.document.runs)
    return "".join(f"{line}\n" for line in (*runs, *closing_lines(report)))


FORMAT = Format(
    render=render,
    title="JSON Lines",
    description="one line for each run, host and finding, for programs",
    suffix="jsonl",
    readers="programs",
)
