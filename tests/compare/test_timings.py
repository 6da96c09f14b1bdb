from __future__ import annotations

import random
from math import comb

import pytest

from cachetui.compare.timings import cautions, difference, rank_test, samples, shares, summarise
from cachetui.records.step import StepId
from tests import make_records as b


def test_nothing_is_claimed_of_one_or_two_samples() -> None:
    found = difference([20.0, 21.0], [10.0, 10.1], "old")
    assert found is not None
    assert (found.grade, found.finding, found.low, found.p) == ("shown", "no claim", None, None)
    assert found.sentence() == "2.04 times as long as old; too few samples to claim it"


def test_a_few_samples_give_a_range_and_no_claim() -> None:
    found = difference([20.0, 22.0, 21.0], [10.0, 11.0, 10.5], "old")
    assert found is not None
    assert (found.grade, found.finding) == ("range", "no claim")
    assert found.low == pytest.approx(20 / 11)
    assert found.high == pytest.approx(2.2)
    assert found.sentence() == "2.00 times as long as old (1.82 to 2.20)"


def test_six_samples_bear_a_claim() -> None:
    slow = [20.0, 20.5, 21.0, 20.2, 20.8, 21.1]
    fast = [10.0, 10.5, 11.0, 10.2, 10.8, 11.1]
    found = difference(slow, fast, "old")
    assert found is not None
    assert found.finding == "slower"
    assert found.p == pytest.approx(2 / comb(12, 6))
    assert found.low is not None
    assert found.high is not None
    assert found.ratio is not None
    assert found.low < found.ratio < found.high
    assert difference(slow, fast, "old") == found
    back = difference(fast, slow, "new")
    assert back is not None
    assert back.finding == "faster"


def test_not_distinguishable_is_an_answer() -> None:
    one = [10.0, 10.5, 11.0, 10.2, 10.8, 11.1]
    two = [10.1, 10.4, 11.2, 10.3, 10.7, 10.9]
    found = difference(one, two, "old")
    assert found is not None
    assert found.sentence() == "not distinguishable from old"
    same = difference([1.0] * 6, [1.0] * 6, "old")
    assert same is not None
    assert same.finding == "not distinguishable"


def test_a_build_against_itself_is_rarely_claimed_to_differ() -> None:
    chance = random.Random(7)
    claims = 0
    for _ in range(100):
        one, two = ([chance.gauss(10, 1) for _ in range(6)] for _ in range(2))
        found = difference(one, two, "itself")
        claims += found is not None and found.finding != "not distinguishable"
    assert claims <= 3


def test_no_samples_and_no_time_are_no_error() -> None:
    assert difference([], [1.0], "old") is None
    found = difference([0.2], [0.0], "old")
    assert found is not None
    assert found.ratio is None
    assert found.sentence() == "+0.2s against old"
    tested = difference([0.2] * 6, [0.0] * 6, "old")
    assert tested is not None
    assert (tested.finding, tested.low) == ("slower", None)


def test_summaries_say_what_their_spread_is() -> None:
    assert summarise([]) is None
    few = summarise([3.0, 1.0, 2.0])
    assert few is not None
    assert (few.median, few.low, few.high, few.grade) == (2.0, 1.0, 3.0, "range")
    assert few.samples == (3.0, 1.0, 2.0)
    many = summarise([float(n) for n in range(1, 21)])
    assert many is not None
    # the textbook's order statistics of the median's 95% interval: 6th and 15th of 20
    assert (many.low, many.high) == (6.0, 15.0)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # scipy.stats.mannwhitneyu(…, method="exact")
        ([1, 2, 3], [4, 5, 6], 0.1),
        ([1, 3, 5, 7], [2, 4, 6, 8], 0.6857142857142857),
        ([19, 22, 16, 29, 24], [20, 11, 17, 12], 0.1111111111111111),
    ],
)
def test_the_rank_test_is_exact_without_ties(
    first: list[float], second: list[float], p: float
) -> None:
    assert rank_test(first, second) == pytest.approx(p)


def test_the_rank_test_minds_ties() -> None:
    one, two = [1.0, 2, 2, 3, 3, 4], [2.0, 3, 4, 4, 5, 5]
    # scipy.stats.permutation_test over all 924 orders, by the distance of U from its middle
    assert rank_test(one, two) == pytest.approx(0.11255411255411256)
    # scipy.stats.mannwhitneyu(one * 2, two * 2, method="asymptotic")
    assert rank_test(one * 2, two * 2) == pytest.approx(0.009957333807335315)
    assert rank_test([1.0] * 30, [1.0] * 30) == 1.0
    assert rank_test([1.0] * 6, [1.0] * 6) == 1.0


def test_samples_are_raw_and_in_order_of_repeats() -> None:
    runs = [r for r in b.repeated().runs if (r.host, r.scenario) == ("old", "buildkit-cold")]
    assert samples(reversed(runs)) == tuple(r.seconds for r in runs)
    step = samples(runs, StepId(1, 2))
    assert len(step) == 6
    assert len(set(step)) > 1
    assert samples([b.run("old", "buildkit-cold", change={(1, 2): "failed"})]) == ()


def test_shares_are_of_the_wall_time() -> None:
    run = b.run("new", "buildkit-cold")
    found = {share.step.line: share.share for share in shares(run)}
    assert found[16] == pytest.approx(11.0 / run.seconds)
    assert sum(found.values()) > 1  # stages ran side by side
    assert shares(b.unsupported("new", "legacy-cold")) == ()


def test_loaded_hosts_and_slow_first_runs_are_told() -> None:
    runs = [
        b.run("new", "buildkit-cold", repeat=n, load=load, seconds=seconds)
        for n, load, seconds in ((1, 0.5, 20.0), (2, 9.5, 10.0), (3, 0.5, 11.0))
    ]
    told = cautions(b.document(runs))
    assert len(told) == 2
    assert told[0].startswith("new was loaded (9.5")
    assert "first run took 20.0s" in told[1]
    assert cautions(b.repeated()) == ()
