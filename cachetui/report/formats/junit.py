"""An audit as JUnit XML, which GitLab, Jenkins and others show beside tests.

A host in a scenario is a test case. It fails where it does not do as the other hosts: its causes
are the failure. A build that failed, or a host that could not be asked, is an error; what a host
cannot build is skipped. Format: the schema of Jenkins' xUnit plugin, junit-10.xsd; GitLab reads the
first failure of a test case, so all causes are in one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from cachetui.compare.align import Agreement, Disagreement, agree
from cachetui.findings import Finding, Findings
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.report import costs
from cachetui.report.audit_report import AuditReport
from cachetui.report.causes import Cause, causes_of, places_of
from cachetui.report.clean import clean, clean_line
from cachetui.report.formats import Format
from cachetui.report.reasons import commands_of
from cachetui.report.shell import typed_lines

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""

CONNECTED = "connected"
"""The test case of a host that has no run."""


def render(report: AuditReport) -> str:
    """The report as one `testsuites` element, with a suite for the build; ends in a newline."""
    document = report.document
    agreement = agree(document)
    cases = [
        *map(_host_case, document.hosts_without_runs),
        *(_run_case(run, report.findings, agreement) for run in document.runs),
    ]
    kinds = [child.tag for case in cases for child in case]
    counts = {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": f"{document.seconds:.3f}",
    }
    started = datetime.fromtimestamp(document.started_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    named = {"name": _text(document.build.name), "timestamp": started}
    suite = ET.Element("testsuite", {**named, **counts})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="audit", value=_text(document.audit))
    suite.extend(cases)
    of_all = {name: count for name, count in counts.items() if name != "skipped"}
    suites = ET.Element("testsuites", {"name": "cachetui", **of_all})
    suites.append(suite)
    ET.indent(suites)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(suites, encoding='unicode')}\n"


def _host_case(host: HostReport) -> ET.Element:
    case = ET.Element("testcase", classname=_text(host.name), name=CONNECTED, time="0.000")
    if host.status != "ok":
        tag = "skipped" if host.status == "skipped" else "error"
        why = "; ".join(filter(None, (host.reason, host.remedy))) or host.status
        ET.SubElement(case, tag, message=_text(why))
    return case


def _run_case(run: Run, findings: Findings, agreement: Agreement) -> ET.Element:
    name = run.scenario if run.repeat == 1 else f"{run.scenario} #{run.repeat}"
    case = ET.Element(
        "testcase", classname=_text(run.host), name=_text(name), time=f"{run.seconds or 0.0:.3f}"
    )
    if run.status == "unsupported":
        ET.SubElement(case, "skipped", message=_text(run.reason or run.status))
    elif run.status != "ok":
        error = ET.SubElement(case, "error", message=_text(run.reason or run.status))
        error.set("type", run.status)
    elif places := places_of(run, agreement):
        _fail(case, places, causes_of(run, findings, places))
    return case


def _fail(case: ET.Element, places: Sequence[Disagreement], causes: Sequence[Cause]) -> None:
    first = causes[0] if causes else None
    alone = "not as on the other hosts; no cause found"
    split = "hosts differ here, and no side has most of them; no cause found"
    title = first.title if first is not None else alone if places[0].odd else split
    failure = ET.SubElement(case, "failure", message=_text(title))
    failure.set("type", first.id if isinstance(first, Finding) else "unexplained")
    lines: list[str] = []
    for cause in causes:
        sure = cause.confidence if isinstance(cause, Finding) else ""
        known = "; ".join(filter(None, [sure, costs.told(cause)]))
        lines += [f"{cause.title} ({known})" if known else cause.title]
        facts = cause.evidence if isinstance(cause, Finding) else cause.facts
        lines += [f"- {fact.text}" for fact in facts]
        if isinstance(cause, Finding) and cause.advice:
            lines += [f"To do: {cause.advice}", *typed_lines(commands_of(cause))]
    for place in places:
        what = f"line {place.line} {place.instruction}" if place.step is not None else "the run"
        sides = "; ".join(f"{side.status} on {', '.join(side.hosts)}" for side in place.sides)
        lines.append(f"{what}: {sides}")
    failure.text = _NOT_XML.sub("�", "\n".join(map(clean, lines)))


def _text(text: str) -> str:
    return _NOT_XML.sub("�", clean_line(text))


FORMAT = Format(
    render=render,
    title="JUnit XML",
    description="a test case for each host and scenario, for CI servers",
    suffix="xml",
    readers="programs",
)
