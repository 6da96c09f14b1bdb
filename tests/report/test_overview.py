"""The table at a report's head: groups of hosts by scenarios."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from cachetui.compare.align import agree
from cachetui.records.document import Document
from cachetui.report import cells
from cachetui.report.formats import html, markdown
from cachetui.report.formats.table import render
from cachetui.report.overview import MAX_ROWS, Overview, cell_signs, overview
from cachetui.report.signs import ODD, SPLIT
from cachetui.report.verdict import every_build_failed
from tests import make_records as b
from tests.findings.making import audit, run, why
from tests.ragged_fleet import SCENARIOS, ragged_fleet
from tests.report.reports import report

TEXT = "FROM base:1\nRUN one\nRUN two\n"


def table(document: Document) -> Overview:
    made = overview(
        document, agree(document), tuple(dict.fromkeys(r.scenario for r in document.runs))
    )
    assert made is not None
    return made


def rows(document: Document) -> dict[str, list[str]]:
    return {name: [cell.text for cell in cells] for name, cells in table(document).rows}


def test_hosts_that_behave_alike_have_a_row_and_those_that_differ_stand_first() -> None:
    shown = rows(ragged_fleet())
    first, *_, last = shown
    assert first.startswith("ci-[3,10,17,")
    assert first.endswith("(32 hosts)")
    assert shown[first] == ["≠ ○ 0% ~7.6s", "≠ ○ 0% ~6.6s", "○ 0% ~6.6s", "✓ 100% ~0.6s"]
    assert shown["ci-[2,5,31,53,101,105,159] (7 hosts)"][0] == "≠ ○ 0% ~7.6s"
    assert shown[last] == ["✗ unreachable"] * len(SCENARIOS)
    made = table(ragged_fleet())
    assert made.key == "✓ hit · ◐ some hit · ○ miss · ⊘ unsupported · ~ median · ≠ odd"
    assert not made.more


def test_a_row_has_a_host_alone_as_it_is_and_repeats_as_their_median() -> None:
    runs = [
        run(TEXT, letters, host=name, repeat=repeat)
        for name, letters in (("a", "hm"), ("b", "hh"))
        for repeat in (1, 2)
    ]
    assert rows(audit(TEXT, runs)) == {"a": ["÷ ◐ 50% ~1.6s"], "b": ["✓ 100% ~0.6s"]}


def test_more_groups_than_fit_are_counted() -> None:
    text = "FROM base:1\n" + "".join(f"RUN step {n}\n" for n in range(20))
    runs = [run(text, "h" * n + "m" * (20 - n), host=f"ci-{n}") for n in range(20)]
    made = table(audit(text, runs))
    assert len(made.rows) == MAX_ROWS
    assert made.more == "and 8 more groups of hosts that behave alike"


def test_a_builder_that_hosts_lack_makes_none_odd() -> None:
    runs = [run(TEXT, "hh", host=name) for name in "abc"]
    document = audit(TEXT, [*runs, b.unsupported("d", "buildkit-as-found", "no buildx")])
    assert cell_signs(agree(document)) == {}
    assert rows(document)["d"] == ["⊘ unsupported"]
    missed = audit(TEXT, [run(TEXT, "hm", host="a"), *runs[1:]])
    assert cell_signs(agree(missed)) == {("a", "buildkit-as-found"): ODD}
    split = audit(TEXT, [run(TEXT, "hm", host="a"), runs[1]])
    assert {*cell_signs(agree(split)).values()} == {SPLIT}


def test_it_stands_above_the_causes_in_markdown_and_html() -> None:
    document = ragged_fleet()
    for made, text in ((markdown, "| hosts | legacy-as-found |"), (html, ">legacy-as-found</th>")):
        shown = made.render(report(document))
        assert 0 < shown.index(text) < shown.index("Hosts in trouble")
    letters = markdown.render(report(document))
    for letter in "ABCDEFGHIJK":
        assert letters.index(f"- {letter} (") < letters.index(f"| {letter} (")


def test_where_every_build_failed_nothing_says_that_all_is_well() -> None:
    runs = [
        b.run(host, "buildkit-cold", steps=(), status="failed", reason="no")
        for host in ("old", "new")
    ]
    document = b.document(runs)
    for made in (markdown, html):
        shown = made.render(report(document))
        assert "✗ Every build failed: buildkit-cold." in shown
        assert "Nothing to compare" not in shown
        assert "✓" not in shown


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_has_it_between_the_verdict_and_why(width: int) -> None:
    document = ragged_fleet()
    lines = render(report(document, why(document), width=width)).splitlines()
    said = "≠ 81 of 193 hosts differ: "
    verdict = next(n for n, line in enumerate(lines) if line.startswith(said))
    cause = lines.index("Why")
    head = next(n for n in range(verdict, cause) if "legacy-as-found" in lines[n])
    groups = lines[head + 1 : head + 1 + len(table(document).rows)]
    assert "(32" in groups[0]
    assert "≠ ○ 0% ~7.6s" in groups[0]
    assert all(re.match(r"ci-\[[0-9,-]+(\]|,…\]?|…) \([0-9]+( hosts)?\) ", line) for line in groups)
    assert "✓ hit · ◐ some hit · ○ miss · ⊘ unsupported" in lines[cause - 2]
    columns = next(n for n, line in enumerate(lines) if line.startswith("A (11) = ci-[13,"))
    assert columns > next(n for n, line in enumerate(lines) if "A (11) " in line), "below the table"
    assert max(map(cells.width, lines)) <= width


def test_few_hosts_have_a_column_each_and_no_overview() -> None:
    lines = render(report(b.odd_one_out(), width=160)).splitlines()
    assert not [line for line in lines if "some hit" in line]


def test_a_list_of_names_ends_between_two_of_them() -> None:
    assert cells.clip_names("ci-[13,145,149]", 15) == "ci-[13,145,149]"
    assert [cells.clip_names("ci-[13,145,149]", room) for room in (14, 12, 10, 8)] == [
        "ci-[13,145,…]",
        "ci-[13,…]",
        "ci-[13,…]",
        "ci-[13,…",
    ]
    assert cells.clip_names("a-long-name", 6) == "a-lon…"


def test_every_build_failed_only_where_none_ended_otherwise() -> None:
    document = audit(TEXT, [run(TEXT, "mf", host=name) for name in "ab"])
    assert every_build_failed(document)
    cannot = b.unsupported("c", "legacy-as-found", "buildx is missing")
    assert every_build_failed(replace(document, runs=(*document.runs, cannot)))
    first, second = document.runs
    for status in ("lost", "cancelled", "ok"):
        other = replace(second, status=status)
        assert not every_build_failed(replace(document, runs=(first, other)))
