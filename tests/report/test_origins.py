"""Every format says which hits came with an imported cache."""

from __future__ import annotations

import json

import msgspec
import pytest

from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Origin
from cachetui.report import formats
from cachetui.report.origins import origins
from cachetui.tui.view.step_lines import step_facts
from tests import make_records as b
from tests.report.reports import report

SCENARIO = "buildkit-imported"


def run(host: str, *told: Origin | None) -> Run:
    """A run whose last steps have these origins."""
    steps = b.steps("buildkit", "hit", text=b.PLAIN)
    given = (None,) * (len(steps) - len(told)) + told
    return b.run(
        host,
        SCENARIO,
        steps=tuple(
            msgspec.structs.replace(step, origin=origin)
            for step, origin in zip(steps, given, strict=True)
        ),
    )


def document() -> Document:
    runs = [
        run("mid", "here", "imported", "imported", "either"),
        run("new", "here", "imported", "imported", "either"),
        run("ctd", "unknown"),
        run("old"),
    ]
    return b.document(runs, [b.host(one.host) for one in runs])


def test_hosts_alike_have_one_line() -> None:
    lines = [str(step.line) for step in run("mid").steps[-4:]]
    first, second, third = origins(document())
    assert first == (
        f"{SCENARIO} on mid,new: imported: lines {lines[1]} and {lines[2]}; "
        f"here already: line {lines[0]}; here or imported: line {lines[3]}"
    )
    assert "since a look just before" in second
    assert third == f"{SCENARIO} on old: nothing hit"


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_formats_for_people(name: str) -> None:
    text = formats.load(name).render(report(document()))
    assert "Where hits came from" in text
    assert "here or imported: line" in text


def test_json() -> None:
    runs = json.loads(formats.load("json").render(report(document())))["runs"]
    assert [step["origin"] for step in runs[0]["steps"][-2:]] == ["imported", "either"]


def test_the_app_says_it_where_it_shows_the_step() -> None:
    shown = step_facts(run("mid", "imported").steps[-1], "mid")
    assert "imported" in "".join(span if isinstance(span, str) else span[0] for span in shown)
