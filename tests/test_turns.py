"""Every test that takes turns has its day, and each day has some."""

from __future__ import annotations

import datetime

from tests.turns import DAYS, day_of_file, turn, waiting

TESTS = [("a.py", False)] * DAYS + [("b.py", False)] * 3 + [("a.py", False)] * (DAYS - 1)
DAY = datetime.date(2026, 11, 26)


def test_each_runs_on_exactly_one_of_the_days() -> None:
    days = [turn("today", DAY + datetime.timedelta(days=number)) for number in range(DAYS)]
    runs = [[not waits for waits in waiting(TESTS, day)] for day in days if day is not None]
    assert [sum(day) for day in zip(*runs, strict=True)] == [1] * len(TESTS)
    assert min(map(sum, runs)) > 0
    assert max(map(sum, runs)) - min(map(sum, runs)) <= 2


def test_a_day_can_be_had_again_and_all_at_once() -> None:
    again = {turn(f"{number + 1}/{DAYS}", DAY) for number in range(DAYS)}
    assert again == set(range(DAYS))
    assert turn(f"{DAY.toordinal() % DAYS + 1}/{DAYS}", DAY.replace(year=2000)) == turn(
        "today", DAY
    )
    assert turn("all", DAY) is None


def test_those_that_belong_together_have_one_day() -> None:
    tests = [("dear.py", True)] * 3 + [("a.py", False)] * 7
    runs = [waiting(tests, day)[:3] for day in range(DAYS)]
    assert runs.count([False] * 3) == 1
    assert runs.count([True] * 3) == DAYS - 1


def test_files_of_one_such_test_do_not_all_have_the_same_day() -> None:
    assert len({day_of_file(f"tests/{name}/test_{name}.py") for name in "abcdefghijklmn"}) >= 4
