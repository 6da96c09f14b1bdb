"""How long scenarios took: raw samples, named baselines, and no claim that they don't bear."""

from __future__ import annotations

import random

from cachetui.compare.speeds import comparisons, speeds
from cachetui.records.run import Run
from cachetui.report.passages import passages
from tests import make_records as b


def runs(host: str, scenario: str, seconds: list[float], **more: object) -> list[Run]:
    return [
        b.run(host, scenario, repeat=number, seconds=each, **more)
        for number, each in enumerate(seconds, 1)
    ]


def test_samples_are_kept_raw_with_what_they_are_worth() -> None:
    document = b.document(
        [*runs("old", "buildkit-cold", [3.0, 1.0, 2.0]), *runs("new", "buildkit-cold", [1.0, 9.0])]
    )
    old, new = speeds(document)
    assert (old.host, old.samples, old.median, old.grade) == ("old", (3.0, 1.0, 2.0), 2.0, "range")
    assert (new.samples, new.grade) == ((1.0, 9.0), "shown")
    assert comparisons(document) == (), "two samples claim nothing"


def test_baselines_are_named_and_what_differs_is_claimed_from_six() -> None:
    document = b.document(
        [
            *runs("old", "legacy-cold", [10.0, 10.1, 10.2, 10.3, 10.4, 10.5]),
            *runs("old", "buildkit-cold", [5.0, 5.1, 5.2, 5.3, 5.4, 5.5]),
            *runs("new", "buildkit-cold", [5.05, 5.0, 5.3, 5.2, 5.45, 5.4]),
        ]
    )
    within, across = comparisons(document)
    assert (within.host, within.baseline_scenario) == ("old", "legacy-cold")
    assert within.finding == "faster"
    assert within.p is not None
    assert within.p < 0.01
    assert "0.51 times as long as legacy-cold" in within.text
    assert (across.host, across.baseline_host) == ("new", "old")
    assert across.finding == "not distinguishable"
    (passage,) = [one for one in passages(document) if one.heading == "Timings compared"]
    assert "not distinguishable from on old" not in passage.lines[1]
    assert "not distinguishable from old" in passage.lines[1]


def test_three_show_their_range_and_claim_nothing() -> None:
    document = b.document(
        [*runs("old", "buildkit-cold", [5.0, 6.0, 7.0]), *runs("new", "buildkit-cold", [1.0] * 3)]
    )
    (one,) = comparisons(document)
    assert (one.grade, one.finding) == ("range", "no claim")
    assert (one.low, one.high) == (1 / 7, 1 / 5)


def test_the_same_against_the_same_is_not_told_to_differ() -> None:
    chance = random.Random(3)
    claims = 0
    for _ in range(40):
        made = [
            run
            for host in ("old", "new")
            for run in runs(host, "buildkit-cold", [chance.gauss(10, 1) for _ in range(6)])
        ]
        claims += sum(one.finding in ("slower", "faster") for one in comparisons(b.document(made)))
    assert claims <= 2


def test_a_loaded_host_is_marked() -> None:
    document = b.document(
        [
            *runs("old", "buildkit-cold", [1.0, 1.0, 1.0], load=30.0),
            *runs("new", "buildkit-cold", [1.0, 1.0, 1.0]),
        ]
    )
    assert [one.loaded for one in speeds(document)] == [True, False]
    (passage,) = [one for one in passages(document) if one.heading == "Timings compared"]
    assert passage.lines[0].endswith("(loaded)")
