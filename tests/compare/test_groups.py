from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.compare.groups import fold, gather, groups
from tests import make_records as b


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ("", ""),
        ("web", "web"),
        ("ci-1", "ci-1"),
        ("ci-1 ci-2 ci-3 ci-7 web", "ci-[1-3,7],web"),
        ("n01 n02 n03 n10", "n[01-03,10]"),
        ("n08 n9", "n[08,9]"),
        ("8 9 10 11", "[8-11]"),
        ("r1-n1 r1-n2 r2-n1 r2-n2 r3-n9", "r1-n[1-2],r2-n[1-2],r3-n9"),
        ("a1.x2.example a2.x2.example", "a[1-2].x2.example"),
        ("web ci-2 web ci-1", "web,ci-[1-2]"),
        ("b a", "b,a"),
    ],
)
def test_names_fold(names: str, folded: str) -> None:
    assert fold(names.split()) == folded


def test_many_names_fold_into_a_short_text() -> None:
    assert fold(f"ci-{n:03}" for n in range(1, 501)) == "ci-[001-500]"


@given(st.lists(st.text("a1-20٣", max_size=8)))
def test_folding_takes_any_names(names: list[str]) -> None:
    fold(names)


def test_the_odd_come_first() -> None:
    found = groups(b.fleet())
    assert [(group.name, group.odd) for group in found] == [
        ("ci-07", True),
        ("ci-09", True),
        ("ci-[01-06,08,10-64]", False),
    ]


def test_nobody_is_odd_between_equals() -> None:
    assert not any(group.odd for group in gather([("a", 1), ("b", 2)]))
    assert not any(group.odd for group in gather([("a", 1), ("b", 1)]))


def test_what_ran_beside_a_failure_makes_no_difference() -> None:
    bad = {(1, 2): "failed"}
    late = {(1, 2): "failed", (0, 3): "not-reached"}
    runs = [
        b.run("a", "buildkit-cold", change=bad),
        b.run("b", "buildkit-cold", change=late),
    ]
    assert len(groups(b.document(runs, [b.host("a"), b.host("b")]))) == 1
