"""GitLab's code quality report: of the documented shape, and the same issue has one fingerprint."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.formats.gitlab import render
from tests import make_records as b
from tests.findings.making import audit, before, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import NO_FINDINGS, report
from tests.report.test_clean import forbidden
from tests.report.test_table import STORIES

TEXT = "FROM base:1\nRUN one\nRUN two\n"
HOSTS = ("ci-1", "ci-2", "ci-3")

SHAPE = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": "^cachetui/[a-z-]+$"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?![./]/).+$"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What GitLab documents under "Code Quality report format"."""


def issues(document: Document, findings: Findings = NO_FINDINGS) -> list[dict[str, Any]]:
    raw = render(report(document, findings))
    assert forbidden(raw, "\n") == []
    read: list[dict[str, Any]] = json.loads(raw)
    jsonschema.validate(read, SHAPE)
    prints = [issue["fingerprint"] for issue in read]
    assert len({*prints}) == len(prints), "GitLab shows one of each"
    return read


def odd(host: str = "ci-1", text: str = TEXT) -> tuple[Document, Findings]:
    """One of three hosts misses the second line of the Dockerfile, which changed there."""
    runs = [run(text, "mm" if name == host else "hh", host=name) for name in HOSTS]
    document = audit(text, runs)
    return document, why(document, before(text.replace("one", "uno"), "hh", names=HOSTS))


@pytest.mark.parametrize("story", STORIES)
def test_it_has_the_documented_shape(story: str) -> None:
    issues(STORIES[story]())


def test_a_cause_is_an_issue_at_its_line_with_what_to_do() -> None:
    document, found = odd()
    (issue,) = issues(document, found)
    (cause,) = found.findings
    assert issue["check_name"] == "cachetui/build-changed"
    assert issue["severity"] == "major"
    assert issue["location"] == {"path": "Dockerfile", "lines": {"begin": 2}}
    cost = "Costs 2.0s after each change of it"
    assert issue["description"].startswith(f"{cause.title}. {cost}. {cause.advice[:20]}")
    likely = replace(cause, confidence="likely")
    assert issues(document, Findings(findings=(likely,)))[0]["severity"] == "minor"


def test_the_same_in_another_audit_is_the_same_issue() -> None:
    document, found = odd()
    slower = replace(found.findings[0], seconds=99.0, title="told otherwise")
    later = replace(document, audit="later")
    first, again = issues(document, found), issues(later, Findings(findings=(slower,)))
    assert first[0]["fingerprint"] == again[0]["fingerprint"]
    moved = odd(text=TEXT.replace("RUN one", "# a comment\nRUN one"))
    assert issues(*moved)[0]["fingerprint"] == first[0]["fingerprint"]
    assert issues(*moved)[0]["location"]["lines"] == {"begin": 3}
    assert issues(*odd("ci-2"))[0]["fingerprint"] != first[0]["fingerprint"]


def test_a_large_fleet_in_which_much_differs_has_an_issue_for_each_cause() -> None:
    document = ragged_fleet()
    found = why(document)
    unreachable, *causes = [issue["description"] for issue in issues(document, found)]
    assert unreachable.startswith("ci-[33,69,76,80,82,134,164] unreachable: ")
    assert ". To do: is sshd running there" in unreachable
    apart = [one for one in found.findings if one.id != "platform-differs"]
    assert len(causes) == len(apart) + len(found.unexplained)
    cost = "Costs on each host up to 7.0s with the legacy builder and 6.0s with BuildKit, once, "
    assert cost in causes[0]
    assert all(". To learn more: " in text for text in causes[len(apart) :])
    assert causes[-1].endswith("cachetui run api --as-found")


def test_where_hosts_agree_there_is_no_issue() -> None:
    document = audit(TEXT, [run(TEXT, "mm", host=name) for name in HOSTS])
    found = why(document, before(TEXT.replace("one", "uno"), "hh", names=HOSTS))
    assert found.findings
    assert issues(document, found) == []


def test_hosts_in_trouble_and_failed_builds_are_critical() -> None:
    told = {issue["check_name"]: issue for issue in issues(b.troubled())}
    assert told["cachetui/unreachable"]["severity"] == "critical"
    assert told["cachetui/unreachable"]["description"].startswith("far unreachable: far.example")
    assert told["cachetui/build-failed"]["severity"] == "critical"
    assert told["cachetui/build-failed"]["location"]["lines"] == {"begin": 9}


@pytest.mark.parametrize("text", ["\x1b[31m", "\ud800", "a\nb", '"\\', "\u202e"])
def test_text_of_a_build_is_text(text: str) -> None:
    document, found = odd()
    cause = replace(found.findings[0], title=f"before{text}after", advice=text)
    named = replace(document, build=replace(document.build, name=text))
    (issue,) = issues(named, Findings(findings=(cause,)))
    assert issue["description"].startswith("before")
