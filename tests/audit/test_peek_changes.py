"""What is news from one look at a build's caches to the next."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from cachetui.audit.peek_changes import PeekChange, first_look, last_known, peek_changes
from cachetui.audit.peek_results import Peek, PeekResult, Place, UnseenHost
from cachetui.report.peek import change_line
from tests.make_records import HOSTILE

LINE_9 = Place(line=9, stage="deps", instruction="RUN npm ci")
LINE_5 = Place(line=5, stage="deps", instruction="RUN apt-get update")
WARM = PeekResult(host="a", backend="buildkit", status="ok", hits=4)
COLD = replace(WARM, hits=2, first_miss=LINE_9, cause="base-drift", confidence="likely")
EARLIER = replace(COLD, first_miss=LINE_5)
OTHER_CAUSE = replace(COLD, cause="context-content")
UNDECIDED = replace(WARM, hits=2, undecided=2)
FAILED = replace(WARM, status="failed", reason="the engine ended")
LOST = UnseenHost(host="a", status="unreachable", reason="no route", remedy="look at the cable")


def peek(*results: PeekResult, unseen: tuple[UnseenHost, ...] = (), audit: str = "A") -> Peek:
    return Peek(
        audit=audit, build="shop", started_at=0.0, seconds=1.0, results=results, unseen=unseen
    )


def news(before: Peek, now: Peek) -> list[tuple[str, str]]:
    return [(change.host, change.change) for change in peek_changes(before, now)]


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (WARM, COLD, "cold"),
        (COLD, WARM, "warm"),
        (COLD, EARLIER, "moved"),
        (COLD, OTHER_CAUSE, "cause"),
        (WARM, UNDECIDED, "undecided"),
        (UNDECIDED, COLD, "cold"),
        (WARM, FAILED, "trouble"),
        (FAILED, replace(FAILED, reason="a full disk"), "trouble"),
        (FAILED, COLD, "back"),
    ],
)
def test_each_kind_of_change(old: PeekResult, new: PeekResult, change: str) -> None:
    other = replace(WARM, host="b")
    assert news(peek(old, other), peek(new, other)) == [("a", change)]


@pytest.mark.parametrize("result", [WARM, COLD, UNDECIDED, FAILED])
def test_the_same_again_is_no_news(result: PeekResult) -> None:
    assert news(peek(result), peek(result)) == []


def test_figures_alone_are_no_news() -> None:
    later = replace(COLD, hits=3, undecided=7, seconds=9.0, measured_in="x", confidence="proved")
    assert news(peek(COLD), peek(later)) == []


def test_a_host_that_comes_back_is_held_against_what_was_known_of_it() -> None:
    gone = peek(unseen=(LOST,))
    assert news(peek(WARM), gone) == [("a", "trouble")]
    known = last_known(peek(WARM), gone)
    assert news(known, gone) == []
    assert news(known, peek(WARM)) == [("a", "back")]
    assert news(known, peek(COLD)) == [("a", "cold"), ("a", "back")]


def test_a_host_that_was_lost_midway_is_told_once() -> None:
    midway = peek(replace(WARM, status="lost", reason="no route"), unseen=(LOST,))
    assert news(peek(WARM), midway) == [("a", "trouble")]


def test_a_host_that_was_never_seen_before() -> None:
    before = peek(unseen=(LOST,))
    assert news(before, peek(COLD)) == [("a", "first"), ("a", "back")]


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        (WARM, COLD, "a buildkit went cold at line 9, RUN npm ci: base-drift (likely), cost"),
        (COLD, WARM, "a buildkit is warm again"),
        (COLD, EARLIER, "a buildkit is now cold from line 5, RUN apt-get update: "),
        (COLD, OTHER_CAUSE, "a buildkit is still cold from line 9, RUN npm ci: context-content"),
        (WARM, UNDECIDED, "a buildkit has 2 hits, 2 steps not decided"),
        (WARM, FAILED, "a buildkit could not be looked at: the engine ended"),
        (FAILED, WARM, "a buildkit is again warm"),
    ],
)
def test_each_change_has_its_sentence(before: PeekResult, now: PeekResult, says: str) -> None:
    (change,) = peek_changes(peek(before), peek(now))
    assert says in change_line(change, "table")


def test_a_lost_host_comes_with_its_remedy() -> None:
    (change,) = peek_changes(peek(WARM), peek(unseen=(LOST,)))
    line = change_line(change, "table")
    assert line.endswith("a could not be looked at: no route; look at the cable\n")


def test_the_first_look_is_all_news_and_json_reads_back() -> None:
    seen = first_look(peek(WARM, replace(COLD, host="b"), unseen=(replace(LOST, host="c"),)))
    assert [(each.host, each.change) for each in seen] == [
        ("a", "first"),
        ("b", "first"),
        ("c", "trouble"),
    ]
    read = [msgspec.json.decode(change_line(each, "jsonl"), type=PeekChange) for each in seen]
    assert read == list(seen)


def test_hostile_text_stays_one_clean_line() -> None:
    place = replace(LINE_9, instruction=f"RUN {HOSTILE}\n\nb is warm again")
    (change,) = peek_changes(peek(WARM), peek(replace(COLD, first_miss=place)))
    line = change_line(change, "table")
    assert line.count("\n") == 1
    assert "\x1b" not in line
