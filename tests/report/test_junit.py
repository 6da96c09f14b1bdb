"""JUnit XML, as a reader of that format reads it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from msgspec.structs import replace

from cachetui.compare.align import agree
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.formats.junit import render
from tests import make_records as b
from tests.findings.making import audit, before, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import NO_FINDINGS, report
from tests.report.test_table import STORIES


def suite(document: Document, findings: Findings = NO_FINDINGS) -> TestSuite:
    read = JUnitXml.fromstring(render(report(document, findings)).encode())
    (only,) = list(read)
    assert (read.tests, read.failures, read.errors) == (only.tests, only.failures, only.errors)
    return only


def cases(document: Document, findings: Findings = NO_FINDINGS) -> dict[tuple[str, str], TestCase]:
    return {(case.classname, case.name): case for case in suite(document, findings)}


TIME = r"[0-9]+[.][0-9]{3}"
RESULT = ({"type", "message"}, set[str](), set[str]())
ALLOWED = {
    # element: attributes, those that it must have, elements within it
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp",
         "hostname", "id", "package", "file", "log", "url"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    **dict.fromkeys(("skipped", "error", "failure"), RESULT),
}  # fmt: skip
"""What Jenkins' xunit plugin takes; a file with anything else is refused whole. Source: its schema,
junit-10.xsd of jenkinsci/xunit-plugin; of what goes into a test case only what we write."""


def not_allowed(element: ET.Element) -> Iterator[str]:
    """What of an element, and all within it, the schema refuses."""
    attributes, needed, inside = ALLOWED[element.tag]
    yield from (f"{element.tag} {name}" for name in {*element.keys()} - attributes)
    yield from (f"{element.tag} without {name}" for name in needed - {*element.keys()})
    time = element.get("time")
    if time is not None and not re.fullmatch(TIME, time):
        yield f"{element.tag} time={time}"
    if element.tag not in ("skipped", "error", "failure") and (element.text or "").strip():
        yield f"text in {element.tag}"
    for child in element:
        if child.tag not in inside:
            yield f"{child.tag} in {element.tag}"
        else:
            yield from not_allowed(child)


@pytest.mark.parametrize("story", STORIES)
def test_it_is_what_the_schema_of_jenkins_allows(story: str) -> None:
    document = STORIES[story]()
    assert [*not_allowed(ET.fromstring(render(report(document))))] == []


def test_of_a_large_fleet_each_host_that_is_odd_fails_and_no_other() -> None:
    document = ragged_fleet()
    found = why(document)
    assert [*not_allowed(ET.fromstring(render(report(document, found))))] == []
    read = suite(document, found)
    ends = Counter(each.status for each in document.runs)
    absent = [host for host in document.hosts if host.status != "ok"]
    odd = {
        (each.scenario, host)
        for each in agree(document).disagreements
        if not each.is_of_builders
        for host in each.odd
    }
    assert read.tests == len(document.runs) + len(absent)
    assert (read.failures, read.errors, read.skipped) == (
        len(odd), len(absent), ends["unsupported"],
    )  # fmt: skip


def test_the_check_by_the_schema_can_fail() -> None:
    bad = (
        "<testsuites skipped='1'><testsuite name='a' time='1,5'>no<case/></testsuite></testsuites>"
    )
    assert {*not_allowed(ET.fromstring(bad))} == {
        "testsuites skipped", "testsuite without tests", "testsuite without failures",
        "testsuite without errors", "testsuite time=1,5", "text in testsuite",
        "case in testsuite",
    }  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_a_host_in_a_scenario_is_a_case(story: str) -> None:
    document = STORIES[story]()
    read = suite(document)
    ran = {each.host for each in document.runs}
    assert len(list(read)) == len(document.runs) + sum(h.name not in ran for h in document.hosts)
    results = [type(result) for case in read for result in case.result]
    assert (read.failures, read.errors, read.skipped) == tuple(
        results.count(kind) for kind in (Failure, Error, Skipped)
    )
    assert all(len(case.result) <= 1 for case in read)
    if not agree(document).disagreements:
        assert read.failures == 0


def test_the_odd_host_fails_with_its_cause_and_what_to_do() -> None:
    text = "FROM base:1\nRUN one\nRUN two\n"
    hosts = ("ci-1", "ci-2", "ci-3")
    runs = [run(text, "mm" if name == "ci-1" else "hh", host=name) for name in hosts]
    document = audit(text, runs)
    found = why(document, before(text.replace("one", "uno"), "hh"))
    told = cases(document, found)
    assert {name: [type(r) for r in case.result] for name, case in told.items()} == {
        ("ci-1", "buildkit-as-found"): [Failure],
        ("ci-2", "buildkit-as-found"): [],
        ("ci-3", "buildkit-as-found"): [],
    }
    (failure,) = told["ci-1", "buildkit-as-found"].result
    assert (failure.type, failure.message) == ("build-changed", found.findings[0].title)
    assert f"To do: {found.findings[0].advice}" in failure.text
    assert "line 2 RUN one: hit on ci-2, ci-3; miss on ci-1" in failure.text


def test_without_a_cause_the_step_is_told() -> None:
    document = b.odd_one_out()
    (failure,) = cases(document)["mid", "buildkit-warm"].result
    assert (failure.type, failure.message) == (
        "unexplained", "not as on the other hosts; no cause found",
    )  # fmt: skip
    assert "COPY . /app" in failure.text


def test_where_hosts_are_split_all_of_them_fail() -> None:
    text = "FROM base:1\nRUN one\n"
    document = audit(text, [run(text, "m"), run(text, "h", host="ci-2")])
    told = {name[0]: case.result[0].message for name, case in cases(document).items()}
    unexplained = "hosts differ here, and no side has most of them; no cause found"
    assert told == dict.fromkeys(("ci-1", "ci-2"), unexplained)
    found = why(document, before(text.replace("one", "uno"), "h"))
    told = {name[0]: case.result[0].message for name, case in cases(document, found).items()}
    assert told == dict.fromkeys(("ci-1", "ci-2"), found.findings[0].title)


def test_a_finding_about_other_steps_is_no_cause() -> None:
    document = b.odd_one_out()
    text = "FROM base:1\nRUN one\n"
    found = why(audit(text, [run(text, "m")]), before(text.replace("one", "uno"), "h"))
    other = replace(found.findings[0], hosts=("mid",), scenarios=("buildkit-warm",), steps=())
    elsewhere = replace(other, consequences=())
    (failure,) = cases(document, Findings(findings=(elsewhere,)))["mid", "buildkit-warm"].result
    assert failure.type == "unexplained"


@pytest.mark.parametrize(
    ("status", "kind"),
    [("failed", Error), ("lost", Error), ("cancelled", Error), ("unsupported", Skipped)],
)
def test_a_run_that_did_not_end_well(status: str, kind: type) -> None:
    document = b.document()
    changed = replace(document.runs[0], status=status, reason="why it ended")
    told = cases(replace(document, runs=(changed,)))
    (result,) = told[changed.host, changed.scenario].result
    assert isinstance(result, kind)
    assert result.message == "why it ended"


@pytest.mark.parametrize(
    ("status", "kind"), [("unreachable", Error), ("failed", Error), ("skipped", Skipped)]
)
def test_a_host_without_runs(status: str, kind: type) -> None:
    down = b.host("down", status=status, reason="no route to host", remedy="look at the cable")
    (result,) = cases(b.document([], [down]))["down", "connected"].result
    assert isinstance(result, kind)
    assert result.message == "no route to host; look at the cable"


@pytest.mark.parametrize("text", ["\x00\x08", "\ufffe\uffff", "\ud800", "]]><&\"'", "\x1b]0;t\x07"])
def test_hostile_text_is_xml_all_the_same(text: str) -> None:
    document = b.document()
    changed = replace(document.runs[0], status="failed", reason=f"before{text}after")
    (result,) = cases(replace(document, runs=(changed,)))[changed.host, changed.scenario].result
    assert result.message.startswith("before")
    assert result.message.endswith("after")
