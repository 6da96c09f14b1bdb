"""A hit in an imported cache is a hit in every format, and shows what its pull cost."""

from __future__ import annotations

import json

import msgspec
import pytest

from cachetui.compare.timeline import timeline
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import hit_ratio
from cachetui.report import formats
from cachetui.report.pulled import pulled
from cachetui.tui.view.step_lines import step_facts
from cachetui.tui.view.timeline_lines import bar_facts
from cachetui.tui.widgets.log_pane import pane_head
from tests import make_records as b
from tests.report.reports import report

COST = "pulled 212 MB in 3.1s"


def imported() -> Run:
    """A run as found whose last step came from an imported cache."""
    steps = b.steps("buildkit", "hit", text=b.PLAIN)
    last = msgspec.structs.replace(
        steps[-1],
        seconds=3.1,
        finished=(steps[-1].started or 0.0) + 3.1,
        pulled_seconds=3.1,
        pulled_bytes=212_000_000,
    )
    steps = (*steps[:-1], last)
    return b.run("ctd", "buildkit-as-found", steps=steps, hit_ratio=hit_ratio(steps))


def document() -> Document:
    return b.document([imported()], [b.host("ctd")])


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_every_format_says_what_the_pull_cost(name: str) -> None:
    text = formats.load(name).render(report(document()))
    line = imported().steps[-1].line
    assert f"buildkit-as-found on ctd, line {line}: HIT, {COST}" in text
    assert "100%" in text
    assert "MISS" not in text


def test_json_has_bytes_and_seconds() -> None:
    (run,) = json.loads(formats.load("json").render(report(document())))["runs"]
    assert (run["steps"][-1]["pulled_bytes"], run["steps"][-1]["pulled_seconds"]) == (
        212_000_000,
        3.1,
    )
    assert run["hit_ratio"] == 1.0
    assert run["steps"][0]["pulled_bytes"] is None


def test_an_audit_that_was_stored_without_them_can_be_read() -> None:
    old = json.loads(msgspec.json.encode(document()))
    for step in old["runs"][0]["steps"]:
        del step["pulled_bytes"], step["pulled_seconds"]
    again = msgspec.json.decode(json.dumps(old), type=Document)
    assert again.runs[0].steps[-1].pulled_seconds is None


def test_the_app_says_it_where_it_shows_the_step() -> None:
    run = imported()
    step = run.steps[-1]
    drawn = timeline(run, None)
    bar = next(bar for bar in drawn.bars if bar.step.id == step.id)
    shown = [step_facts(step, "ctd"), pane_head(run, step.id, "ctd", 0, 1)]
    shown += [bar_facts(bar, drawn)[1]]
    for line in shown:
        assert COST in "".join(span if isinstance(span, str) else span[0] for span in line)


def test_an_engine_that_does_not_say_how_much() -> None:
    step = msgspec.structs.replace(imported().steps[-1], pulled_bytes=None)
    assert pulled(step) == "pulled in 3.1s"
    assert pulled(imported().steps[0]) == ""
