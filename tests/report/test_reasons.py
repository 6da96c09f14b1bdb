"""Findings for people: how much is said, and that what a build printed cannot act."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from cachetui.cli.main import cli
from cachetui.findings import Evidence, Finding, Findings, Need, StepRef, Unexplained
from cachetui.report.cells import width
from cachetui.report.formats import html, markdown, table
from cachetui.report.formats import json as json_format
from cachetui.report.reasons import MAX_FINDINGS, NOTHING, lay_out_findings
from tests import make_records as b
from tests.report.reports import report
from tests.report.test_clean import forbidden
from tests.report.test_formats import _Page


def finding(number: int = 1, text: str = "something", **more: Any) -> Finding:
    defaults: dict[str, Any] = {
        "id": "base-drift",
        "name": f"base-drift:{number}",
        "title": f"title {number}: {text}",
        "confidence": "proved",
        "hosts": ("old", "mid"),
        "backends": ("legacy",),
        "scenarios": ("legacy-as-found",),
        "steps": (StepRef(0, 1),),
        "consequences": tuple(StepRef(0, i) for i in range(2, 9)),
        "seconds": 12.34,
        "paid": "per-build",
        "evidence": tuple(
            Evidence(kind="run", text=f"fact {i}: {text}", data={"text": text}) for i in range(6)
        ),
        "advice": f"do {text}",
    }
    return Finding(**{**defaults, **more})


def found(text: str = "something", count: int = 5) -> Findings:
    left = Unexplained(
        title=f"open: {text}",
        hosts=("old",),
        backends=("legacy",),
        facts=(Evidence(kind="facts", text=text),),
        suspects=("base-drift", "context-content"),
    )
    return Findings(
        findings=tuple(finding(n, text) for n in range(count)),
        unexplained=(left,),
        needs=(Need(id="cold-mount-slow", text=text),),
    )


def drawn(findings: Findings, most: int | None = 3, columns: int = 80) -> str:
    return table.render(report(b.odd_one_out(), findings, width=columns, max_findings=most))


def test_the_three_that_cost_most_and_the_rest_on_request() -> None:
    text = drawn(found())
    assert [line for line in text.splitlines() if "title" in line] == [
        f"  ● title {n}: something" for n in range(3)
    ]
    cost = "proved; costs up to 12.3s on each host, at every build"
    facts = f"{cost}; 1 step, and 7 more because of it; on old,mid; in legacy-"
    assert facts in " ".join(text.split())
    assert "2 other findings, shown with the option --findings all" in text
    assert "fact 3" in text
    assert "fact 4" not in text
    assert "- and 2 more" in text
    assert "? open: something" in text
    assert "it could be base-drift or context-content; none of them is proved" in text
    whole = drawn(found(), None)
    assert "title 4" in whole
    assert "fact 5" in whole
    assert "other findings" not in whole
    assert lay_out_findings(found(), 0) == NOTHING
    assert not lay_out_findings(Findings())


@pytest.mark.parametrize("columns", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    text = drawn(found("a" * 300 + " " + b.HOSTILE), None, columns)
    assert max(map(width, text.splitlines())) <= columns


def test_what_a_build_printed_cannot_act() -> None:
    hostile = found(b.HOSTILE)
    assert forbidden(drawn(hostile, None), "\n") == []
    text = markdown.render(report(b.odd_one_out(), hostile, max_findings=None))
    assert forbidden(text, "\n") == []
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    assert "<script" not in page
    assert not re.search(r"<a |<img |<em>b</em>", page)
    text = html.render(report(b.odd_one_out(), hostile))
    assert forbidden(text, "\n") == []
    assert "<script" not in text
    read = _Page(text)
    assert read.open == []
    assert any("title 4" in part for part in read.text)


def test_json_has_them_all_as_its_schema_says() -> None:
    raw = json_format.encode(b.odd_one_out(), found(b.HOSTILE))
    assert forbidden(raw.decode(), "\n") == []
    said = json.loads(raw)
    jsonschema.validate(said, json_format.schema())
    assert len(said["findings"]) == 5
    assert said["findings"][0]["steps"] == [{"stage_index": 0, "index": 1}]
    assert said["unexplained"][0]["suspects"] == ["base-drift", "context-content"]
    assert {one["grade"] for one in said["speeds"]} == {"shown"}
    del said["findings"][0]["confidence"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said, json_format.schema())


def test_commands_and_reports_show_as_many_causes_unless_asked() -> None:
    (option,) = (each for each in cli.commands["show"].params if each.name == "max_findings")
    assert option.default == str(MAX_FINDINGS)
