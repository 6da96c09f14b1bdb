from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.compare.logdiff import LogDiff, diff
from cachetui.compare.noise import canonical

lines = st.lists(st.sampled_from([*"abcdefg", "took 1s", "took 2s", "10%", "50%"]), max_size=40)


def check(first: list[str], second: list[str], result: LogDiff) -> None:
    """The hunks cover both sides in order, and equal ones are equal."""
    at = (0, 0)
    for hunk in result.hunks:
        assert (hunk.a[0], hunk.b[0]) == at
        at = (hunk.a[1], hunk.b[1])
        ours, theirs = first[slice(*hunk.a)], second[slice(*hunk.b)]
        if hunk.kind == "same":
            assert _keys(ours) == _keys(theirs)
        else:
            assert (hunk.kind == "added") == (not ours)
            assert (hunk.kind == "removed") == (not theirs)
    assert at == (len(first), len(second))


def _keys(lines: list[str]) -> list[str]:
    """Canonical lines, redrawn progress once."""
    keys: list[str] = []
    for line in lines:
        text, kinds = canonical(line)
        if not (keys and keys[-1] == text and "progress" in kinds):
            keys.append(text)
    return keys


@given(lines, lines)
def test_hunks_cover_both_logs(first: list[str], second: list[str]) -> None:
    check(first, second, diff(first, second))


@given(lines)
def test_a_log_is_the_same_as_itself(log: list[str]) -> None:
    result = diff(log, iter(log))
    assert result.same
    assert result.ignored == {}
    assert result.sentence() == ""


def test_one_line_more_is_one_line_added() -> None:
    log = [f"step {n % 7}" for n in range(100)]
    result = diff(log, [*log[:50], "surprise", *log[50:]])
    assert (result.removed, result.added) == (0, 1)
    assert [hunk.kind for hunk in result.hunks] == ["same", "added", "same"]
    assert result.hunks[1].b == (50, 51)


def test_noise_is_ignored_and_counted() -> None:
    first = ["compiling", "done in 1.3s", " ---> Running in 0123456789ab", "ok"]
    second = ["compiling", "done in 2.9s", " ---> Running in ba9876543210", "ok"]
    result = diff(first, second)
    assert result.same
    assert result.ignored == {"duration": 1, "id": 1}
    assert result.sentence() == "ignored: durations in 1, container and layer ids in 1 lines"


def test_progress_redrawn_more_often_is_no_difference() -> None:
    first = ["start", "10%", "60%", "100%", "end"]
    second = ["start", "50%", "end"]
    result = diff(first, second)
    check(first, second, result)
    assert result.same
    assert result.hunks[0].a == (0, 5)
    assert result.hunks[0].b == (0, 3)
    assert result.ignored == {"progress": 1}


def test_a_checksum_that_differs_is_a_difference() -> None:
    assert not diff([f"{'ab' * 32}  x.tar"], [f"{'cd' * 32}  x.tar"]).same


def test_lines_beyond_the_limit_are_left_out_and_said_so() -> None:
    result = diff(["a"] * 10, ["a"] * 5, limit=5)
    assert result.same
    assert not result.complete


@pytest.mark.parametrize("shape", ["few distinct", "two distinct", "reversed", "unrelated"])
def test_large_logs_take_no_quadratic_time(shape: str) -> None:
    size = 20_000
    first = [f"line {n % 97} of {n % 89}" for n in range(size)]
    second = [line if n % 50 else "other" for n, line in enumerate(first)]
    if shape == "two distinct":
        first = ["x" if n % 2 else "y" for n in range(size)]
        second = ["y" if n % 3 else "x" for n in range(size)]
    elif shape == "reversed":
        second = first[::-1]
    elif shape == "unrelated":
        second = [f"else {n % 41}" for n in range(size)]
    started = time.process_time()
    result = diff(first, second)
    assert time.process_time() - started < 10
    check(first, second, result)
    if shape == "few distinct":
        assert result.removed < size / 20
