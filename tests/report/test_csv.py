"""CSV: a row for each step, read back by Python's reader, and no cell that is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from msgspec.structs import replace

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.formats.csv import COLUMNS, render
from tests import make_records as b
from tests.findings.making import audit, before, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import NO_FINDINGS, report
from tests.report.test_table import STORIES


def rows(document: Document, findings: Findings = NO_FINDINGS) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(render(report(document, findings)), newline=""))
    read = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return read


@pytest.mark.parametrize("story", [*STORIES, "ragged"])
def test_every_step_of_every_run_has_a_row(story: str) -> None:
    document = ragged_fleet() if story == "ragged" else STORIES[story]()
    read = rows(document)
    steps = sum(len(each.steps) for each in document.runs)
    without = sum(not each.steps for each in document.runs)
    ran = {each.host for each in document.runs}
    silent = sum(host.name not in ran for host in document.hosts)
    assert len(read) == steps + without + silent
    for row in read:
        assert None not in row
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
        assert "\n" not in "".join(row.values())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r\n =1", "'  =1"),
        ('" =1', "'\" =1"),
        ("＝1", "'＝1"),
        ('=cmd|"/c calc"!A1', '\'=cmd|"/c calc"!A1'),
        ("RUN x;=1+1", "RUN x;'=1+1"),
        ('RUN x; "@SUM(A1)"', 'RUN x;\' "@SUM(A1)"'),
        ("RUN a-b --c=d; e @f", "RUN a-b --c=d; e @f"),
        ("'=1", "'=1"),
    ],
)
def test_text_is_never_a_formula(text: str, shown: str) -> None:
    document = b.document()
    first = replace(document.runs[0], reason=text, steps=())
    (row,) = rows(replace(document, runs=(first,), hosts=()))
    assert row["reason"] == shown


def test_a_from_neither_hits_nor_misses_and_stages_have_names() -> None:
    text = "ARG V=1\nFROM base:1\nRUN one\nFROM base:1 AS last\nRUN two\n"
    found = [
        (r["stage"], r["step"])
        for r in rows(
            b.document(
                [b.run("old", "buildkit-cold", steps=b.steps("legacy", "hit", text=text))], []
            )
        )
    ]
    assert found == [
        ("before the first FROM", "base"),
        ("stage 0", "base"),
        ("stage 0", "hit"),
        ("last", "base"),
        ("last", "hit"),
    ]


def test_text_with_quotes_commas_and_controls_is_read_back() -> None:
    document = b.odd_one_out()
    first = next(each for each in document.runs if each.steps)
    step = replace(first.steps[0], instruction='RUN echo "a, b" \x1b[31m;\r\n x')
    row = rows(replace(document, runs=(replace(first, steps=(step,)),), hosts=()))[0]
    assert row["instruction"].startswith('RUN echo "a, b"')
    assert "\x1b" not in row["instruction"]


def test_causes_stand_at_the_steps_that_they_are_of() -> None:
    text = "FROM base:1\nRUN one\nRUN two\n"
    document = audit(text, [run(text, "mm"), run(text, "hh", host="ci-2")])
    found = why(document, before(text.replace("one", "uno"), "hh"))
    assert [one.name for one in found.findings] == ["build-changed:2"]
    told = {(row["host"], row["line"]): row["causes"] for row in rows(document, found)}
    assert told == {
        ("ci-1", "1"): "", ("ci-1", "2"): "build-changed:2", ("ci-1", "3"): "build-changed:2",
        ("ci-2", "1"): "", ("ci-2", "2"): "", ("ci-2", "3"): "",
    }  # fmt: skip


def test_a_host_that_could_not_be_asked_has_a_row_with_the_reason() -> None:
    down = b.host("down", status="unreachable", reason="no route to host")
    document = b.document([], [down])
    (row,) = rows(document)
    assert (row["host"], row["run"], row["reason"]) == ("down", "unreachable", "no route to host")


def test_a_step_that_hit_has_no_cause() -> None:
    text = "FROM base:1\nRUN one\nRUN two\n"
    document = audit(text, [run(text, "mm")])
    found = why(document, before(text.replace("one", "uno"), "hh"))
    hits = replace(document, runs=(run(text, "hh"),))
    assert {row["causes"] for row in rows(hits, found)} == {""}
