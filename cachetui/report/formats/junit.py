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

from cachetui.compare.align import Disagreement, agree
from cachetui.findings import Finding, Findings
from cachetui.findings.record import StepRef, Unexplained, is_about
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.report.audit_report import AuditReport
from cachetui.report.clean import clean, clean_line
from cachetui.report.formats import Format

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""

CONNECTED = "connected"
"""The test case of a host that has no run."""


def render(report: AuditReport) -> str:
    """The report as one `testsuites` element, with a suite for the build; ends in a newline."""
    document = report.document
    differing = agree(document).disagreements
    cases = [
        *map(_host_case, document.hosts_without_runs),
        *(_run_case(run, report.findings, differing) for run in document.runs),
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
    suites = ET.Element("testsuites", {"name": "cachetui", **counts})
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


def _run_case(run: Run, findings: Findings, differing: tuple[Disagreement, ...]) -> ET.Element:
    name = run.scenario if run.repeat == 1 else f"{run.scenario} #{run.repeat}"
    case = ET.Element(
        "testcase", classname=_text(run.host), name=_text(name), time=f"{run.seconds or 0.0:.3f}"
    )
    if run.status == "unsupported":
        ET.SubElement(case, "skipped", message=_text(run.reason or run.status))
    elif run.status != "ok":
        error = ET.SubElement(case, "error", message=_text(run.reason or run.status))
        error.set("type", run.status)
    elif places := [each for each in differing if _is_other(run, each)]:
        _fail(case, places, _causes(run, findings, places))
    return case


def _is_other(run: Run, place: Disagreement) -> bool:
    """Whether the run is one of those that do not as most; where hosts are split, all are."""
    alike = (run.scenario, run.repeat) == (place.scenario, place.repeat)
    return alike and run.host in place.told_of


def _causes(
    run: Run, findings: Findings, places: Sequence[Disagreement]
) -> Sequence[Finding | Unexplained]:
    """What is found about the steps of the run at which hosts differ and which did not hit; without
    any, what is unexplained of them."""
    hits = {step.id for step in run.steps if step.status == "hit"}
    steps: set[StepRef] | None = {
        StepRef.of(place.step) for place in places if place.step and place.step not in hits
    }
    if any(place.step is None for place in places):
        steps = None  # they differ in how the run ended

    def about(reason: Finding | Unexplained) -> bool:
        return is_about(reason, run.host, run.scenario, steps)

    return [*filter(about, findings.findings)] or [*filter(about, findings.unexplained)]


def _fail(
    case: ET.Element, places: Sequence[Disagreement], causes: Sequence[Finding | Unexplained]
) -> None:
    first = causes[0] if causes else None
    alone = "not as on the other hosts; no cause found"
    split = "hosts are split here: no side has more than half of them"
    title = first.title if first is not None else alone if places[0].odd else split
    failure = ET.SubElement(case, "failure", message=_text(title))
    failure.set("type", first.id if isinstance(first, Finding) else "unexplained")
    lines: list[str] = []
    for cause in causes:
        sure = f" ({cause.confidence})" if isinstance(cause, Finding) else ""
        lines += [f"{cause.title}{sure}"]
        facts = cause.evidence if isinstance(cause, Finding) else cause.facts
        lines += [f"- {fact.text}" for fact in facts]
        lines += [f"To do: {cause.advice}"] if isinstance(cause, Finding) and cause.advice else []
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
