"""An audit as CSV (RFC 4180, lines end in a line feed): a row for each step of each run.

A run without steps, and a host that could not be asked, has a row of its own with the reason. Where
a spreadsheet would take text for a formula, an apostrophe stands before it (OWASP, CSV Injection).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from cachetui.findings import Finding, Findings
from cachetui.findings.record import StepRef, is_about
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step
from cachetui.report.audit_report import AuditReport
from cachetui.report.clean import clean_line
from cachetui.report.columns import is_base, stage_name
from cachetui.report.formats import Format

COLUMNS = (
    "audit",
    "build",
    "host",
    "engine",
    "scenario",
    "repeat",
    "run",
    "run_seconds",
    "stage",
    "line",
    "trigger",
    "instruction",
    "step",
    "seconds",
    "causes",
    "reason",
    "paid",
)
"""`run` and `step` are how these ended; a FROM, or an ARG before it, neither hits nor misses and is
"base". `stage` is a name for people: "stage 0" has none of its own. `causes` are the names of the
findings about the step in that run, where it did not hit, with spaces between; `paid` has in the
same order by which builds their seconds are paid (`Finding.paid`; "-" where they cost none). Times
are in seconds, empty where they are not known."""

_FORMULA = re.compile(r"(^|;)(?=[\s\"]*[=+\-@＝＋－＠])")
"""Where a formula could begin: at the start of a cell, and behind a semicolon, which is what
separates cells to a spreadsheet in many countries. It looks past spaces and quotes, and takes the
wide forms of the signs."""

_Row = dict[str, str | int | float | None]


def render(report: AuditReport) -> str:
    """The header and all rows, findings whatever the report's limit; ends in a newline."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(report.document, report.findings):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return file.getvalue()


def _rows(document: Document, findings: Findings) -> Iterator[_Row]:
    of_audit: _Row = {"audit": document.audit, "build": document.build.name}
    engines = {host.name: host.engine for host in document.hosts}
    for host in document.hosts_without_runs:
        of_host = {"host": host.name, "engine": host.engine}
        yield {**of_audit, **of_host, "run": host.status, "reason": host.reason}
    for run in document.runs:
        of_run: _Row = {
            **of_audit,
            "host": run.host,
            "engine": engines.get(run.host),
            "scenario": run.scenario,
            "repeat": run.repeat,
            "run": run.status,
            "run_seconds": _seconds(run.seconds),
            "reason": run.reason,
        }
        if not run.steps:
            yield of_run
        for step in run.steps:
            causes = _causes(run, step, findings)
            names = " ".join(cause.name for cause in causes)
            paid = " ".join(cause.paid or "-" for cause in causes)
            yield {**of_run, **_step(step), "causes": names, "paid": paid}


def _step(step: Step) -> _Row:
    return {
        "stage": stage_name(step.stage_index, step.stage),
        "line": step.line,
        "trigger": step.trigger,
        "instruction": step.instruction,
        "step": "base" if is_base(step) else step.status,
        "seconds": _seconds(step.seconds),
    }


def _causes(run: Run, step: Step, findings: Findings) -> list[Finding]:
    if is_base(step) or step.status in ("hit", "not-needed"):
        return []
    place = StepRef.of(step.id)
    return [
        finding
        for finding in findings.findings
        if is_about(finding, run.host, run.scenario, [place])
    ]


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _cell(value: str | float | None) -> str | float:
    """Text cleaned, and never a formula; numbers as they are."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\1'", clean_line(value))


FORMAT = Format(
    render=render,
    title="CSV",
    description="a row for each step of each run, for spreadsheets and programs",
    suffix="csv",
    readers="programs",
)
