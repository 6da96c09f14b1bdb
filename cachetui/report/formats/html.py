"""An audit as one HTML page that needs nothing from elsewhere and runs no script.

The template escapes every value by itself; the page's policy forbids it to load anything or to run
a script even if that failed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cachetui.dockerfile.parse import Dockerfile, DockerfileError, parse
from cachetui.records.document import Document
from cachetui.report import hosts, reasons, share_table, shell, signs
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import Format
from cachetui.report.gantt import Chart, charts
from cachetui.report.outputs import page
from cachetui.report.passages import TROUBLES
from cachetui.report.view import View, lay_out

_OPEN_AT_MOST = 3
"""Reasons under one heading that are open when the page is, the most costly; more are closed."""

_TOTALS = (
    ("hits", "ratio"),
    ("seconds", "seconds"),
    ("result", "ending"),
    ("from the store", "stored"),
)
"""Rows below the table: name, and attribute of a `Column`."""


def environment() -> Environment:
    """The templates: they escape every value, and a value that is missing is an error."""
    return Environment(
        loader=PackageLoader("cachetui.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(report: AuditReport) -> str:
    """The page: verdict, hosts in trouble, why, failures, where hosts differ, table, images,
    timelines, hosts, notes. It has all findings, whatever the report's limit."""
    template = environment().get_template("page.html.jinja")
    return template.render(_values(report))


def _values(report: AuditReport) -> dict[str, Any]:
    """What the template takes. All text is cleaned; the template escapes it."""
    document = report.document
    view = lay_out(document, report.findings, report.log_tail)
    return {
        "view": view,
        "compared": report.compared,
        "facts": [*view.facts, _when(document)],
        "reasons": reasons.lay_out_findings(report.findings, None, view.causes),
        "needs_heading": reasons.NEEDS,
        "others_heading": reasons.OTHERS,
        "troubles": [each for each in view.passages if each.heading == TROUBLES],
        "passages": [each for each in view.passages if each.heading != TROUBLES],
        "open_at_most": _OPEN_AT_MOST,
        "long_commands": shell.LONG_COMMANDS,
        "totals": _TOTALS,
        "share_classes": defaultdict(str, share_table.STYLES),
        "outputs": None if report.outputs is None else page.lay_out(report.outputs),
        "timelines": _timelines(document, view),
        "host_headings": hosts.HEADINGS,
        "hosts": [hosts.facts(host) for host in document.hosts],
        "host_remarks": hosts.remarks([host for host in document.hosts if host.status == "ok"]),
        "failed_sign": signs.RUN_STATES["failed"].sign,
        "critical_sign": signs.CRITICAL,
    }


def _when(document: Document) -> str:
    """When the audit began; not how long ago that is, which a page that is kept cannot know."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(document.started_at))


def _timelines(document: Document, view: View) -> list[tuple[str, list[Chart]]]:
    """(scenario, a timeline for each column, of its first run); those of a scenario share a
    scale."""
    try:
        dockerfile: Dockerfile | None = parse(document.build.dockerfile_text)
    except DockerfileError:
        dockerfile = None
    timelines: list[tuple[str, list[Chart]]] = []
    for scenario, columns in view.scenarios.items():
        runs = []
        for column in columns:
            own = (run for run in document.runs if run.scenario == scenario)
            first = next((run for run in own if run.host in column.hosts), None)
            if first is not None and any(step.finished is not None for step in first.steps):
                runs.append((column.label, first))
        if runs:
            timelines.append((columns[0].scenario, charts(runs, dockerfile)))
    return timelines


FORMAT = Format(
    render=render,
    title="HTML",
    description="a page of its own: table, timelines, failures",
    suffix="html",
    readers="people",
)
