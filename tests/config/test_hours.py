"""A part of each day, over midnight too."""

from __future__ import annotations

import time

import pytest

from cachetui.config.hours import Hours


def at(clock: str) -> time.struct_time:
    return time.strptime(clock, "%H:%M:%S")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("22:00-06:00", ("22:00:00", "23:59:59", "00:00:00", "05:59:59"), ("06:00:00", "21:59:59")),
        ("09:30-17:00", ("09:30:00", "16:59:59"), ("09:29:59", "17:00:00", "00:00:00")),
        ("00:00-00:01", ("00:00:59",), ("00:01:00", "23:59:59")),
        ("23:59-00:00", ("23:59:00",), ("00:00:00", "23:58:59")),
    ],
)
def test_from_the_first_minute_up_to_the_last(
    text: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    hours = Hours.of(text)
    assert hours is not None
    assert str(hours) == text
    assert all(hours.contain(at(clock)) for clock in inside)
    assert not any(hours.contain(at(clock)) for clock in outside)


@pytest.mark.parametrize(
    "text", ["", "22-06", "22:00", "24:00-06:00", "22:60-06:00", "7:00-9:00", "06:00-06:00", "a-b"]
)
def test_what_says_no_hours(text: str) -> None:
    assert Hours.of(text) is None
