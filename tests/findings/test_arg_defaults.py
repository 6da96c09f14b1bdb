"""A value that is given and equals an ARG's default changes no cache key (our lab, all engines)."""

from __future__ import annotations

import pytest

from cachetui.findings import Findings
from tests.findings.making import HASHER, audit, before, ids, run, why

SCENARIOS = {"buildkit-as-found": "m", "legacy-as-found": "hm"}


def found(
    scenario: str,
    declared: str,
    now: str | None,
    then: str | None,
    *,
    above: str = "",
    declared_then: str | None = None,
) -> Findings:
    """A RUN below `declared` missed, with a value for A now, and another in the run before."""
    text, text_then = (
        f"{above}FROM base:1\n{each}\nRUN make\n" for each in (declared, declared_then or declared)
    )
    given, given_then = (
        {} if value is None else {"A": HASHER.digest(value)} for value in (now, then)
    )
    letters = SCENARIOS[scenario]
    document = audit(text, [run(text, letters, scenario=scenario)], build_args=given)
    hits = "h" * len(letters)
    return why(document, before(text_then, hits, scenario=scenario, build_args=given_then))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("declared", "value"),
    [("ARG A=1", "1"), ('ARG A="1 2"', "1 2"), ("ARG A='1'", "1"), (r"ARG A=1\ 2", "1 2")],
)
def test_the_default_given_is_the_same_key(scenario: str, declared: str, value: str) -> None:
    for now, then in ((value, None), (None, value)):
        assert ids(found(scenario, declared, now, then)) == ["evicted-or-never-built"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_default_of_an_arg_above_from_counts_too(scenario: str) -> None:
    same = found(scenario, "ARG A", "1", None, above="ARG A=1\n")
    assert ids(same) == ["evicted-or-never-built"]
    other = found(scenario, "ARG A", "2", None, above="ARG A=1\n")
    assert ids(other) == ["build-arg-invalidates"]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("now", "then"), [("2", None), (None, "2"), ("", None), ("2", "1")])
def test_another_value_is_another_key(scenario: str, now: str | None, then: str | None) -> None:
    assert ids(found(scenario, "ARG A=1", now, then)) == ["build-arg-invalidates"]


def test_no_default_and_an_empty_value_are_two_keys() -> None:
    assert ids(found("buildkit-as-found", "ARG A", "", None)) == ["build-arg-invalidates"]


def test_a_default_of_what_is_not_known_may_come_to_the_same() -> None:
    same = found("buildkit-as-found", "ARG A=$PATH", "1", None)
    assert ids(same) == []
    assert "would have to be known: ARG A" in same.needs[0].text


def test_given_what_the_default_was_before_it_was_edited() -> None:
    same = found("buildkit-as-found", "ARG A=2", "1", None, declared_then="ARG A=1")
    assert "build-arg-invalidates" not in ids(same)
