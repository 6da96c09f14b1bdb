"""--no-cache-filter: which stages it means, and what is said where it means none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.findings_of import why as why_of
from cachetui.findings.build_options import forbids_cache, names_no_stage, uncached_stages
from tests.audit.test_named_contexts_lab import missed
from tests.findings.making import audit, before, ids, only, run, why
from tests.lab import Lab
from tests.surprises.stage import Stage

TEXT = "FROM base:1 AS Deps\nRUN echo one\nFROM base:1\nRUN echo two\n"
WITH = ("mid", "new", "ctd")
"""Hosts whose client knows the option."""
FOUND = "buildkit-as-found"


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


@pytest.mark.lab
@pytest.mark.takes_turns
def test_what_the_engines_make_of_it(lab: Lab, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    text = TEXT.replace("echo", "echo @SALT@") + "COPY --from=deps /bin/busybox /b\n"
    (source / "Dockerfile").write_text(text)
    stage = Stage(lab, source, tmp_path / "stage", hosts=WITH)
    stage.audit(FOUND)
    for value, runs in (("DEPS", 1), (" deps", 0), ("0", 0), ("stage-1", 0), ("", 2)):
        stage.settings["docker_args"] = ("--no-cache-filter", value)
        document = stage.audit(FOUND)
        note = any("--no-cache-filter: no stage is called" in note for note in document.notes)
        assert note == (value not in ("DEPS", "")), value
        ran = [
            step
            for one in document.runs
            for step in one.steps
            if (step.keyword, step.status) == ("RUN", "miss")
        ]
        assert len(ran) == runs * len(WITH), value
        found = why_of(document, stage.core.store)
        told = {one.id for one in found.findings if one.scenarios} - {"parallel-not-disorder"}
        assert told == ({"build-changed"} if runs else set()), value
        assert found.unexplained == (), value
        if not runs:
            assert missed(document) == set()
