"""The answer stands where the eye is: what a terminal of some height shows of an audit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from cachetui.compare.groups import LONGEST, fold_short
from cachetui.report import cells
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats.table import PROMPT, render
from cachetui.report.reasons import NEEDS, OTHERS, UNEXPLAINED
from tests.findings.making import audit, host, run, why
from tests.ragged_fleet import ragged_fleet
from tests.report.reports import report

TEXT = "FROM base:1 AS deps\nWORKDIR /app\nRUN npm ci\nFROM base:1\nCOPY . /app\n" + "".join(
    f"RUN make part{number} --with-an-option={number}\n" for number in range(1, 15)
)
STEPS = 17


def fleet(letters: Sequence[str], images: Sequence[str], **more: Any) -> AuditReport:
    """ci-1 and on, as found with these letters of a step each and cold alike, with these images."""
    hosts = [
        host(f"ci-{number}", {"base:1": (f"sha256:{image}",)})
        for number, image in enumerate(images, 1)
    ]
    runs = [
        run(TEXT, letter, host=each.name, scenario=scenario)
        for each, own in zip(hosts, letters, strict=True)
        for scenario, letter in (
            ("buildkit-as-found", own),
            ("buildkit-cold", "m" * STEPS),
            ("buildkit-warm", "h" * STEPS),
        )
    ]
    document = audit(TEXT, runs, hosts=hosts)
    fields: dict[str, Any] = {"all_tables": False, "width": 80, **more}
    return report(document, why(document), **fields)


def one_problem(count: int, **more: Any) -> AuditReport:
    """One host of `count` has another base image, and misses."""
    letters = ["m" * STEPS, *["h" * STEPS] * (count - 1)]
    return fleet(letters, ["new", *["old"] * (count - 1)], **more)


def ragged(count: int, **more: Any) -> AuditReport:
    """Hosts that differ in many ways at once."""
    rng = random.Random(4)
    hits = [rng.choice((0, 3, 9, STEPS)) for _ in range(count)]
    letters = ["h" * each + "m" * (STEPS - each) for each in hits]
    return fleet(letters, [rng.choice("aaabbc") for _ in range(count)], **more)


@pytest.mark.parametrize("count", [3, 4, 40, 200])
@pytest.mark.parametrize("height", [24, 30, 40, 60])
def test_a_fleet_with_one_problem_fits_a_screen_with_the_answer_on_top(
    count: int, height: int
) -> None:
    lines = render(one_problem(count, height=height)).splitlines()
    assert len(lines) <= height - PROMPT
    verdict = lines.index("≠ Hosts differ: 1 cause.")
    cause = next(n for n, line in enumerate(lines) if "◉ base:1 is a different image on" in line)
    table = next(n for n, line in enumerate(lines) if "buildkit-as-found" in line and n > cause + 3)
    assert verdict < cause < table
    assert any(line.strip().startswith("→ Give ci-1 the image") for line in lines)


@pytest.mark.parametrize(("height", "width"), [(24, 80), (24, 160), (36, 80)])
def test_where_it_does_not_fit_the_answer_is_the_last_screen(height: int, width: int) -> None:
    lines = render(ragged(200, height=height, width=width)).splitlines()
    assert len(lines) > height
    assert any(line.startswith("≠ Hosts differ") for line in lines[-height - 20 :])
    assert max(map(cells.width, lines)) <= width
    last = render(fleet(["h" * STEPS, *["m" * STEPS] * 5], "abbbbb", height=14)).splitlines()
    assert len(last) > 14
    assert any("Hosts differ" in line for line in last[-14:])


def test_the_hosts_behind_a_column_take_one_line_each_unless_all_is_asked_for() -> None:
    short = render(ragged(200, width=80, height=60))
    assert sum(line.startswith("A (") for line in short.splitlines()) == 1
    assert [line for line in short.splitlines() if line.startswith("  ci-[")] == []
    whole = render(ragged(200, width=80, height=60, all_tables=True))
    assert "195,197]" in whole.replace("\n  ", ""), "every host of A"


def test_a_higher_screen_shows_no_less() -> None:
    shown = [len(render(one_problem(4, height=height)).splitlines()) for height in range(24, 80)]
    assert shown == sorted(shown)
    assert render(one_problem(4, height=500)).count("\n") == shown[-1]


def test_steps_that_every_host_has_alike_share_a_row_with_their_seconds() -> None:
    text = render(one_problem(4, height=30))
    (row,) = [line for line in text.splitlines() if line.startswith("≠  2")]
    assert "to line 19" in row
    assert row.count(f"{STEPS}.0s") == 1, "the steps of ci-1 took a second each"
    assert "hits" in text
    whole = render(one_problem(4, height=30, all_tables=True))
    assert whole.count("RUN make part") >= 14


def test_a_file_has_the_answer_on_top_and_a_pipe_at_its_end() -> None:
    file = render(one_problem(4, answer_first=True))
    assert file.index("Hosts differ") < file.index("buildkit-as-found\n")
    pipe = render(one_problem(4))
    assert pipe.index("Hosts differ") > pipe.index("buildkit-as-found\n")
    assert sorted(file.split()) == sorted(pipe.split())


def test_places_that_a_cause_tells_of_are_not_listed_again() -> None:
    assert "buildkit-as-found, line" not in render(one_problem(4))
    assert "buildkit-as-found, line 2" in render(one_problem(4, max_findings=0))


def test_no_meaning_is_given_of_a_sign_without_a_table() -> None:
    alike = fleet(["h" * STEPS] * 3, "aaa")
    assert " = " not in render(alike)


def test_a_sentence_has_no_list_of_hundreds_of_hosts() -> None:
    text = render(ragged(200, height=40))
    assert "hosts)" in text
    answer = text[text.index("Hosts differ") :]
    assert max(map(len, answer.split())) <= LONGEST + 2


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["web"], "web"),
        ([f"ci-{n}" for n in range(1, 101)], "ci-[1-100]"),
        (["x" * 90], "x" * 90),
        ([f"ci-{n}" for n in range(1, 100, 2)], None),
        ([f"{letter * 9}" for letter in "abcdefghijk"], None),
    ],
)
def test_short_lists_say_how_many_they_stand_for(names: list[str], short: str | None) -> None:
    text = fold_short(names)
    if short is not None:
        assert text == short
    else:
        assert text.endswith(f"({len(names)} hosts)")
        assert "…" in text
        assert len(text) <= LONGEST + 14


def test_what_would_tell_more_stands_next_to_what_is_unexplained() -> None:
    document = ragged_fleet()
    lines = render(report(document, why(document), width=80)).splitlines()
    assert [line for line in lines if line in (UNEXPLAINED, NEEDS, OTHERS)] == [
        UNEXPLAINED, NEEDS, OTHERS,
    ]  # fmt: skip
