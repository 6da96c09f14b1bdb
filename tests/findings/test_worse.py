"""What is worse in an audit than in an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.findings.worse import Worsening, worse_than
from cachetui.records.document import Document
from tests import make_records as b
from tests.findings.making import audit, run

TEXT = "FROM base:1\nCOPY . /app\nRUN make\nRUN test\n"


def made(
    letters: dict[str, str], *, text: str = TEXT, seconds: Sequence[float] = (1.0,), name: str = "n"
) -> Document:
    """An audit: hosts with a letter a step, a repeat for each of the `seconds` of line 3."""
    runs = [
        run(text, own, host=host, repeat=number, seconds={3: took})
        for host, own in letters.items()
        for number, took in enumerate(seconds, 1)
    ]
    return audit(text, runs, audit=name)


def told(found: Worsening) -> list[tuple[str, int]]:
    return [(worse.host, worse.step.line) for worse in found.steps]


def test_a_step_that_hit_and_misses_is_worse_and_one_that_hits_now_is_not() -> None:
    then = made({"a": "hhh", "b": "mmm"})
    found = worse_than(made({"a": "hmm", "b": "hhh"}), then)
    assert told(found) == [("a", 3), ("a", 4)]
    assert found.compared == 6
    assert worse_than(then, then).steps == ()


def test_a_step_that_failed_where_it_hit_is_worse() -> None:
    then = made({"a": "hhh"})
    now = audit(TEXT, [run(TEXT, "hfr", host="a", status="failed")])
    assert told(worse_than(now, then)) == [("a", 3)]


def test_a_step_is_found_again_where_lines_moved_and_an_edited_one_is_not_compared() -> None:
    then = made({"a": "hhh"})
    moved = "FROM base:1\nLABEL a=1\nCOPY . /app\nRUN make --all\nRUN test\n"
    found = worse_than(made({"a": "mmm"}, text=moved), then)
    assert told(found) == [("a", 3), ("a", 5)]
    assert found.edited >= 2


def test_what_missed_in_some_repeats_is_told_with_how_many() -> None:
    then = made({"a": "hhh"}, seconds=(1.0, 1.0))
    runs = [
        run(TEXT, letters, host="a", repeat=number) for number, letters in ((1, "hhh"), (2, "hmh"))
    ]
    (worse,) = worse_than(audit(TEXT, runs), then).steps
    assert (worse.missed, worse.runs) == (1, 2)
    assert worse_than(then, audit(TEXT, runs)).steps == (), "it did not hit each time then"


FAST = (1.0, 1.1, 1.2, 1.05, 1.15, 1.08)
SLOW = (3.0, 3.1, 3.2, 3.05, 3.15, 3.08)


def test_seconds_are_worse_beyond_noise_alone() -> None:
    then, now = (made({"a": "mmm"}, seconds=each) for each in (FAST, SLOW))
    (worse,) = worse_than(now, then).steps
    assert worse.step.line == 3
    assert worse.slower is not None
    assert 1.9 < worse.slower.seconds < 2.1
    assert worse_than(then, now).steps == ()
    near = made({"a": "mmm"}, seconds=[each + 0.03 for each in FAST])
    assert worse_than(near, then).steps == ()


def test_nothing_is_claimed_of_few_samples() -> None:
    then, now = (made({"a": "mmm"}, seconds=each[:2]) for each in (FAST, SLOW))
    found = worse_than(now, then)
    assert found.steps == ()
    assert found.few_samples


def test_nothing_is_claimed_of_seconds_on_a_loaded_host() -> None:
    def loaded(seconds: Sequence[float]) -> Document:
        runs = [
            run(TEXT, "mmm", host="a", repeat=number, seconds={3: took}, load=99.0)
            for number, took in enumerate(seconds, 1)
        ]
        return audit(TEXT, runs, hosts=[b.host("a")])

    assert worse_than(loaded(SLOW), loaded(FAST)).steps == ()


def test_hosts_that_did_not_end_are_told() -> None:
    found = worse_than(made({"a": "hhh"}), made({"a": "hhh", "b": "hhh"}))
    assert [host for host, _ in found.missing] == ["b"]
    nothing = worse_than(made({"x": "hhh"}), made({"a": "hhh"}))
    assert nothing.compared == 0
