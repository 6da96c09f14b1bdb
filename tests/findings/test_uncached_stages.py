"""--no-cache-filter: which stages it means, and what is said where it means none."""

from __future__ import annotations

import pytest

from cachetui.findings.build_options import forbids_cache, names_no_stage, uncached_stages
from tests.findings.making import audit, before, ids, only, run, why

TEXT = "FROM base:1 AS Deps\nRUN echo one\nFROM base:1\nRUN echo two\n"


def said(letters: str, *options: str) -> list[str]:
    document = audit(TEXT, [run(TEXT, letters)], docker_args=options)
    return ids(why(document, before(TEXT, "hh", docker_args=options)))


@pytest.mark.parametrize("value", ["deps", "DEPS", "x,deps"])
def test_a_stage_by_its_name_in_any_case(value: str) -> None:
    assert said("mh", f"--no-cache-filter={value}") == ["build-changed"]
    assert names_no_stage(("--no-cache-filter=deps",), {"deps"}) is None


@pytest.mark.parametrize("value", [" deps", "deps ", "0", "1", "stage-1", "dep"])
def test_what_is_no_name_is_no_cause_and_is_told(value: str) -> None:
    args = ("--no-cache-filter", value)
    assert said("mh", *args) == ["evicted-or-never-built"]
    told = names_no_stage(args, {"deps"})
    assert told is not None
    assert repr(value) in told
    assert "stages: deps" in told


@pytest.mark.parametrize("options", [("--no-cache-filter=",), ("--no-cache-filter", "")])
def test_without_a_stage_it_means_all(options: tuple[str, ...]) -> None:
    assert forbids_cache(options)
    assert names_no_stage(options, {"deps"}) is None
    document = audit(TEXT, [run(TEXT, "mm")], docker_args=options)
    found = only(why(document, before(TEXT, "hh", docker_args=options)), "build-changed")
    assert found.title.startswith("--no-cache-filter without a stage is among")
    assert {step.stage_index for step in found.steps} == {0, 1}


def test_options_that_are_given_twice_are_one_list() -> None:
    args = ("--no-cache-filter=a", "--no-cache-filter", "B,c")
    assert uncached_stages(args) == {"a", "b", "c"}
    assert uncached_stages(("--no-cache",)) == frozenset()
    assert not forbids_cache(args)
