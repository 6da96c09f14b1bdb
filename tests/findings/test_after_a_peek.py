"""What a peek is compared with: builds as found, and what earlier peeks showed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cachetui.records.document import Document
from cachetui.records.run import Run
from tests import make_records as b
from tests.findings.making import audit, entries, ids, only, run, why

TEXT = "FROM base:1\nCOPY a /a\nRUN one\nRUN two\n"
HOUR = 3600


def peeked(letters: str, hours: float, backend: str = "buildkit", text: str = TEXT) -> Document:
    """A peek of that many hours ago, in which the first RUN that missed was stopped."""
    name = f"peek-{hours}"
    at = b.NOW - HOUR * hours
    made = run(text, letters, scenario=f"{backend}-peek", audit=name, at=at)
    return audit(text, [stopped(made)], at=at, audit=name)


def stopped(made: Run) -> Run:
    """With no seconds for the RUN at which it was stopped."""
    steps = list(made.steps)
    for number, step in enumerate(steps):
        if step.keyword == "RUN" and step.status == "miss":
            steps[number] = replace(step, seconds=None, started=None, finished=None, timing=None)
            break
    return replace(made, steps=tuple(steps))


def built(
    letters: str, hours: float, scenario: str = "buildkit-as-found", **build: Any
) -> Document:
    """A build as found of that many hours ago."""
    at = b.NOW - HOUR * hours
    made = run(TEXT, letters, scenario=scenario, audit=f"built-{hours}", at=at)
    return audit(TEXT, [made], at=at, audit=f"built-{hours}", **build)


def test_a_run_that_was_stopped_has_not_been_in_the_cache() -> None:
    """The second look at a cold cache."""
    assert "evicted-or-never-built" not in ids(why(peeked("hmr", 0), peeked("hmr", 1)))


def test_a_second_look_says_what_the_first_did() -> None:
    """Both are compared with the last build."""
    manifests = {"sha256:old": entries(a="1"), "sha256:context": entries(a="2")}
    last = built("mmm", 2, context_digest="sha256:old")
    first = why(peeked("mrr", 1), last, manifests=manifests)
    second = why(peeked("hmr", 0), peeked("mrr", 1), last, manifests=manifests)
    assert ids(first) == ids(second) == ["context-content"]


@pytest.mark.parametrize("scenario", ["buildkit-as-found", "buildkit-imported"])
def test_what_a_build_left_is_missed(scenario: str) -> None:
    found = only(why(peeked("hmr", 0), built("hmm", 1, scenario)), "evicted-or-never-built")
    assert found.evidence[0].data["audit"] == "built-1"


def test_what_a_peek_saw_is_missed() -> None:
    """It hit in the newer of two."""
    found = why(peeked("hmr", 0), peeked("hhm", 1), built("hmm", 2))
    evidence = only(found, "evicted-or-never-built").evidence[0]
    assert (evidence.data["audit"], evidence.data["status"]) == ("peek-1", "hit")


def test_what_ran_before_the_stop_was_in_buildkits_cache() -> None:
    """The legacy builder's is removed."""
    assert "evicted-or-never-built" in ids(why(peeked("mrr", 0), peeked("mmr", 1)))
    legacy = [peeked("mrr", 0, "legacy"), peeked("mmr", 1, "legacy")]
    assert "evicted-or-never-built" not in ids(why(*legacy))


def test_a_line_that_is_new_since_a_warm_peek_is_seen() -> None:
    now = "FROM base:1\nCOPY a /a\nRUN new\nRUN one\nRUN two\n"
    found = why(peeked("hmrr", 0, text=now), peeked("hhh", 1))
    assert ids(found) == ids(why(audit(now, [run(now, "hmmm")]), built("hhh", 1)))
    assert ids(found)


def test_a_controlled_run_tells_nothing_of_the_hosts_cache() -> None:
    assert ids(why(peeked("hmr", 0), built("mmm", 1, "buildkit-cold"))) == []


def test_a_build_as_found_is_not_compared_with_a_peek() -> None:
    assert ids(why(built("hmm", 0), peeked("hmr", 1))) == []
