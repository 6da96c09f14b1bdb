"""Every surprise has its day on the engines, and a set can be played again."""

from __future__ import annotations

import datetime

import pytest

from tests.surprises.selection import SETS, to_play

IDS = [f"surprise-{number:02}" for number in range(23)]
DAY = datetime.date(2026, 11, 26)


def test_each_surprise_is_played_once_within_as_many_days_as_there_are_sets() -> None:
    days = [DAY + datetime.timedelta(days=number) for number in range(SETS)]
    sets = [to_play(IDS, "today", day)[0] for day in days]
    assert sorted(one for chosen in sets for one in chosen) == IDS
    assert all(
        chosen == to_play(IDS, "today", day)[0] for chosen, day in zip(sets, days, strict=True)
    )


def test_the_set_of_a_day_says_how_to_play_it_again() -> None:
    chosen, said = to_play(IDS, "today", DAY)
    again = said.partition("--surprises=")[2].rstrip(")")
    assert to_play(IDS, again, DAY + datetime.timedelta(days=1))[0] == chosen


def test_all_or_those_that_are_named() -> None:
    assert to_play(IDS, "all", DAY)[0] == IDS
    assert to_play(IDS, "surprise-03,surprise-01", DAY)[0] == ["surprise-03", "surprise-01"]


@pytest.mark.parametrize("which", ["", "nothing", "0/5", "15/14", "surprise-01,nothing", "1/14/2"])
def test_what_names_no_surprise_is_refused(which: str) -> None:
    with pytest.raises(pytest.UsageError, match="--surprises"):
        to_play(IDS, which, DAY)
