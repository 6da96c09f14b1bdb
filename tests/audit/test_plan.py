"""Which runs, in which order, and what must run again."""

from __future__ import annotations

import pytest

from cachetui.audit.plan import PlanError, make_plan, missing_with_needs
from cachetui.dockerfile.parse import parse
from cachetui.records.scenario import CONTROLLED, Planned

PLAIN = parse("FROM base:1\nRUN true\n")
MOUNT = parse("FROM base:1\nRUN --mount=type=cache,target=/c true\n")


def names(order: tuple[Planned, ...]) -> list[str]:
    return [planned.scenario for planned in order]


def test_all_five_when_they_can_differ() -> None:
    assert make_plan(MOUNT).scenarios == tuple(s.name for s in CONTROLLED)


def test_mounts_warm_is_left_out_with_the_reason() -> None:
    plan = make_plan(PLAIN)
    assert "buildkit-mounts-warm" not in plan.scenarios
    assert any("no RUN --mount=type=cache" in note for note in plan.notes)
    assert "buildkit-mounts-warm" in make_plan(PLAIN, scenarios=["buildkit-mounts-warm"]).scenarios


def test_as_found_comes_first_and_once() -> None:
    order = names(make_plan(MOUNT, as_found=True, repeat=3).order)
    assert order[:2] == ["legacy-as-found", "buildkit-as-found"]
    assert order.count("legacy-as-found") == 1
    assert order.count("buildkit-cold") == 3


@pytest.mark.parametrize(
    ("scenarios", "added"),
    [
        (["buildkit-as-found"], []),
        (["buildkit-cold"], ["buildkit-as-found"]),
        (["buildkit-warm"], ["buildkit-as-found"]),
        (["legacy-cold"], ["legacy-as-found"]),
        (["legacy-as-found", "buildkit-cold"], ["buildkit-as-found"]),
        (["legacy-cold", "buildkit-cold"], ["legacy-as-found", "buildkit-as-found"]),
    ],
)
def test_as_found_beside_scenarios_adds_no_builder(scenarios: list[str], added: list[str]) -> None:
    plan = make_plan(MOUNT, scenarios=scenarios, as_found=True)
    alone = make_plan(MOUNT, scenarios=scenarios)
    assert set(plan.scenarios) - set(alone.scenarios) == set(added)
    told = [note.split()[0] for note in plan.notes if "--as-found adds it" in note]
    assert told == added
    both = make_plan(MOUNT, as_found=True)
    assert not any("--as-found adds it" in note for note in both.notes)


def test_a_warm_run_brings_its_cold_run() -> None:
    plan = make_plan(MOUNT, scenarios=["legacy-warm"])
    assert plan.scenarios == ("legacy-cold", "legacy-warm")
    assert any("legacy-cold runs too" in note for note in plan.notes)


def test_repeats_take_turns() -> None:
    order = names(make_plan(PLAIN, repeat=2).order)
    first = ["legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm"]
    assert order == first + first[2:] + first[:2]


@pytest.mark.parametrize("wrong", [["warm"], [], ["legacy-cold", ""]])
def test_a_wrong_name_is_told(wrong: list[str]) -> None:
    with pytest.raises(PlanError, match="there are"):
        make_plan(PLAIN, scenarios=wrong)


def test_what_is_missing_takes_its_cold_run_along() -> None:
    order = make_plan(MOUNT, repeat=2).order
    stored = set(order) - {Planned("buildkit-warm", 2)}
    assert missing_with_needs(order, stored) == [
        Planned("buildkit-cold", 2),
        Planned("buildkit-warm", 2),
    ]
    assert missing_with_needs(order, set(order)) == []
    stored = set(order) - {Planned("legacy-cold", 1)}
    assert missing_with_needs(order, stored) == [Planned("legacy-cold", 1)]


class TestImported:
    """The scenario as found of a build that imports a cache."""

    def test_it_stands_for_buildkit_as_found(self) -> None:
        order = names(make_plan(MOUNT, as_found=True, imports=True, repeat=2).order)
        assert order[:2] == ["legacy-as-found", "buildkit-imported"]
        assert order.count("buildkit-imported") == 1
        assert "buildkit-as-found" not in order

    def test_as_found_by_its_name_stays(self) -> None:
        scenarios = ["buildkit-as-found"]
        plan = make_plan(MOUNT, scenarios=scenarios, as_found=True, imports=True)
        assert plan.scenarios == ("buildkit-as-found",)
        both = make_plan(MOUNT, scenarios=[*scenarios, "buildkit-imported"], imports=True)
        assert both.scenarios == ("buildkit-imported",)
        assert any("buildkit-as-found is left out" in note for note in both.notes)

    def test_it_is_added_unless_scenarios_are_named(self) -> None:
        assert "buildkit-imported" in make_plan(MOUNT, imports=True, imported=True).scenarios
        named = make_plan(MOUNT, scenarios=["buildkit-cold"], imports=True, imported=True)
        assert named.scenarios == ("buildkit-cold",)
        assert "buildkit-imported" not in make_plan(MOUNT, imports=True).scenarios

    def test_what_is_stale_needs_a_cold_run_beside_it(self) -> None:
        named = ["buildkit-imported"]
        plan = make_plan(MOUNT, scenarios=named, imports=True, check_stale=True)
        assert plan.scenarios == ("buildkit-imported", "buildkit-cold")
        alone = make_plan(PLAIN, imports=True, check_stale=True)
        assert alone.scenarios == plan.scenarios
        assert not any("left out" in note for note in alone.notes)
        assert make_plan(MOUNT, imports=True, check_stale=True, as_found=True).order == plan.order
        more = make_plan(MOUNT, scenarios=["legacy-cold"], imports=True, check_stale=True)
        assert more.scenarios == ("buildkit-imported", "legacy-cold", "buildkit-cold")
        with pytest.raises(PlanError, match="needs a cache"):
            make_plan(MOUNT, check_stale=True)

    def test_without_an_import_it_says_what_it_needs(self) -> None:
        with pytest.raises(PlanError, match="--cache-from, or cache_from"):
            make_plan(MOUNT, scenarios=["buildkit-imported"])

    def test_the_user_is_told_that_the_cache_was_warmed(self) -> None:
        plan = make_plan(MOUNT, scenarios=["buildkit-imported"], imports=True)
        assert any("it warmed each host's own cache" in note for note in plan.notes)
