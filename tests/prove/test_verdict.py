"""What builds show: each answer that the engines can give, and what is made of it."""

from __future__ import annotations

import pytest

from cachetui.prove.change import Change, State
from cachetui.prove.key_verdict import key_verdict
from cachetui.prove.verdict import Made, Verdict, together, verdict
from cachetui.records.run import Run
from cachetui.records.step import StepId
from tests.make_records import step

WATCH = StepId(0, 2)


def made(status: str) -> Made:
    """A build whose watched step hit, missed, or was not come to (its build failed)."""
    steps = () if status == "none" else (step(0, 2, "COPY . /app", status),)  # type: ignore[arg-type]
    run = Run(
        id="r", audit="p", host="h", scenario="buildkit-warm", repeat=1, started_at=0, seconds=1,
        status="failed" if status == "none" else "ok", steps=steps,
        reason="line 2: no network" if status == "none" else None,
    )  # fmt: skip
    return Made(run, WATCH)


def judged(
    builds: dict[str, str],
    *,
    recorded: bool = False,
    unasked: str | None = None,
    inexact: str | None = None,
) -> Verdict:
    now, then = State("as it is", (), {}), State("as it was", (), {})
    change = Change("buildkit", "the suspect", WATCH, now, then, inexact=inexact)
    known = {name: made(status) for name, status in builds.items()}
    return verdict(change, known, "h", "line 3 (COPY)", recorded=recorded, unasked=unasked)


GOOD = {"own-then": "miss", "own-now": "miss", "own-again": "hit"}


@pytest.mark.parametrize(
    ("builds", "outcome", "says"),
    [
        (GOOD, "proved", "misses as it is, and hits as it was"),
        ({**GOOD, "own-now": "hit"}, "withdrawn", "is not in its cache key"),
        ({**GOOD, "own-again": "miss"}, "withdrawn", "something else makes it miss each time"),
        ({**GOOD, "own-then": "none"}, "undecided", "line 2: no network"),
        ({**GOOD, "own-now": "none"}, "undecided", "line 2: no network"),
        ({**GOOD, "own-again": "none"}, "undecided", "line 2: no network"),
        ({**GOOD, "own-then": "hit"}, "undecided", "that should be empty"),
        ({**GOOD, "host-then": "hit"}, "proved", "in the as-found run, hits as it was"),
        ({"host-then": "hit", **GOOD, "own-now": "hit"}, "withdrawn", "is not in its cache key"),
        ({"host-then": "miss", "host-now": "hit"}, "withdrawn", "the step still misses"),
        ({"host-then": "miss", "host-now": "miss"}, "undecided", "was emptied since"),
        ({"host-then": "miss", "host-now": "none"}, "undecided", "was emptied since"),
        ({"host-then": "none"}, "undecided", "line 2: no network"),
        ({}, "undecided", ""),
    ],
)  # fmt: skip
def test_answers(builds: dict[str, str], outcome: str, says: str) -> None:
    found = judged(builds)
    text = "\n".join(one.text for one in found.evidence)
    assert (found.outcome, says in text) == (outcome, True), text
    assert all(one.kind == "experiment" for one in found.evidence)


def test_a_line_of_unknown_writing_withdraws_nothing() -> None:
    found = judged({"host-then": "miss", "host-now": "hit"}, inexact="nobody knows how it was")
    assert found.outcome == "undecided"


def test_without_the_hosts_own_cache_the_record_of_an_earlier_run_decides() -> None:
    assert judged(GOOD, unasked="it would use a mount").outcome == "undecided"
    assert judged(GOOD, unasked="it would use a mount", recorded=True).outcome == "proved"


def test_backends_together() -> None:
    def of(*outcomes: str) -> str:
        return together([Verdict(one, ()) for one in outcomes]).outcome  # type: ignore[arg-type]

    assert of("proved", "proved") == "proved"
    assert of("proved", "undecided") == "proved"
    assert of("withdrawn", "withdrawn") == "withdrawn"
    assert of("withdrawn", "proved") == "undecided"
    assert of("undecided") == "undecided"


@pytest.mark.parametrize(
    ("builds", "outcome", "says"),
    [
        ({"own-then": "miss", "own-again": "hit"}, "proved", "hits when it is built again"),
        ({"own-then": "miss", "own-again": "miss"}, "withdrawn", "changes each time"),
        ({"own-then": "hit"}, "undecided", "that should be empty"),
        ({"own-then": "none"}, "undecided", "line 2: no network"),
        ({"own-then": "miss", "own-again": "none"}, "undecided", "line 2: no network"),
        ({}, "undecided", "it was not made"),
    ],
)
def test_a_build_that_is_made_twice(builds: dict[str, str], outcome: str, says: str) -> None:
    state = State("as it is", (), {})
    change = Change("buildkit", "nothing", WATCH, state, state, repeats="key", line=3)
    known = {name: made(status) for name, status in builds.items()}
    found = key_verdict(change, known, "h", "line 3 (RUN)")
    assert found.outcome == outcome
    assert says in found.evidence[0].text
