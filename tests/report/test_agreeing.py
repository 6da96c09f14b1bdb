"""In the terminal's table, scenarios in which all hosts agree take a line each."""

from __future__ import annotations

from msgspec.structs import replace

from cachetui.records.document import Document
from cachetui.report.formats.table import render
from tests import make_records as b
from tests.findings.making import audit, run
from tests.report.reports import report

TEXT = "FROM base:1\nRUN one\nRUN two\n"


def table(document: Document, *, whole: bool = False) -> list[str]:
    return render(report(document, all_tables=whole, width=80)).splitlines()


def two(cold: str, found: str) -> Document:
    """Two hosts, of which the second has these letters in two scenarios."""
    return audit(
        TEXT,
        [
            run(TEXT, letters, host=host, scenario=scenario, seconds=seconds)
            for scenario, first, second in (
                ("buildkit-cold", "mm", cold), ("buildkit-as-found", "hh", found))
            for host, letters, seconds in (("ci-1", first, {2: 4.0}), ("ci-2", second, {2: 6.5}))
        ],
    )  # fmt: skip


def test_a_line_for_what_is_alike_and_steps_for_what_is_not() -> None:
    lines = table(two("mm", "mm"))
    (line,) = [each for each in lines if each.startswith("buildkit-cold")]
    assert line.startswith("buildkit-cold  2 hosts agree: 0/2 hits")
    assert lines[lines.index(line) + 1] == "(--all shows their steps)"
    steps = [each for each in lines if "RUN one" in each]
    assert any("MISS" in each and "HIT" in each for each in steps)
    whole = table(two("mm", "mm"), whole=True)
    assert not any("agree:" in each for each in whole)
    assert sum("buildkit-cold" in each for each in whole) == 1
    assert len(whole) > 0


def test_without_a_difference_there_is_a_line_for_each() -> None:
    lines = table(two("mm", "hh"))
    assert [each.split()[0] for each in lines if "hosts agree:" in each] == [
        "buildkit-cold",
        "buildkit-as-found",
    ]
    assert not any("RUN one" in each for each in lines[: lines.index("(--all shows their steps)")])


def test_one_host_agrees_with_nobody() -> None:
    lines = table(audit(TEXT, [run(TEXT, "mm")]))
    assert any("RUN one" in each for each in lines)
    assert not any("agree:" in each for each in lines)


def test_runs_that_failed_agree_about_nothing() -> None:
    document = two("mm", "hh")
    runs = tuple(
        replace(each, status="failed", reason="exit code 1")
        if each.scenario == "buildkit-cold"
        else each
        for each in document.runs
    )
    lines = table(replace(document, runs=runs))
    assert [each.split()[0] for each in lines if "hosts agree:" in each] == ["buildkit-as-found"]
    assert any("RUN one" in each for each in lines)


def test_no_line_is_wider_than_the_terminal() -> None:
    document = b.fleet()
    for width in (40, 60, 80):
        text = render(report(document, all_tables=False, width=width))
        assert max(map(len, text.splitlines())) <= width
