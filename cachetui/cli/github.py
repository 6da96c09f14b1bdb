"""In GitHub Actions: the job's summary and an annotation for each cause, by themselves.

Sources: GitHub's documentation of workflow commands; the toolkit's `core/src/command.ts` for what
is escaped. Annotations go to standard error, so that a result on standard output stays whole; the
runner reads both.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress

from cachetui.cli.failures import tell
from cachetui.findings import Finding
from cachetui.findings.record import Unexplained
from cachetui.report.audit_report import AuditReport
from cachetui.report.clean import clean_line
from cachetui.report.formats.markdown import render

MAX_SUMMARY = 1000 * 1024
"""Bytes of a summary; GitHub takes 1 MiB for each step, and drops it whole above that."""

MAX_ANNOTATIONS = 10
"""Of one kind and step GitHub shows no more."""


def publish(report: AuditReport, environment: Mapping[str, str]) -> None:
    """Append the audit to the job's summary and annotate the job, where this is one of GitHub
    Actions. What fails is told on standard error: the audit is as it is."""
    if environment.get("GITHUB_ACTIONS") == "true":
        for line in warnings_of(report):
            with suppress(OSError):
                sys.stderr.write(f"{line}\n")
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with open(summary, "ab") as file:
                file.write(_within(render(report)).encode())
        except OSError as error:
            tell(f"the job's summary {summary} cannot be written: {error.strerror or error}")


def warnings_of(report: AuditReport) -> list[str]:
    """A warning for each cause that is proved or likely, and each miss without one, the most costly
    first."""
    findings = report.findings
    causes: list[Finding | Unexplained] = [
        finding for finding in findings.findings if finding.confidence != "possible"
    ]
    causes += findings.unexplained
    return [_warning(cause, report) for cause in causes[:MAX_ANNOTATIONS]]


def _warning(cause: Finding | Unexplained, report: AuditReport) -> str:
    advice = f"\n{clean_line(cause.advice)}" if isinstance(cause, Finding) and cause.advice else ""
    name = cause.name if isinstance(cause, Finding) else "unexplained"
    title = _escaped(clean_line(f"{report.document.build.name}: {name}"))
    title = title.replace(":", "%3A").replace(",", "%2C")
    return f"::warning title={title}::{_escaped(clean_line(cause.title) + advice)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _within(text: str) -> str:
    """The Markdown, cut before a heading where it is larger than a summary may be."""
    data = text.encode()
    if len(data) <= MAX_SUMMARY:
        return text
    cut = data[:MAX_SUMMARY].decode("utf-8", "ignore")
    head = cut[: max(cut.rfind("\n### "), 0)] or cut[: cut.rfind("\n") + 1]
    return f"{head}\n\nThe rest is too large for a summary: `cachetui show last` has it.\n"
