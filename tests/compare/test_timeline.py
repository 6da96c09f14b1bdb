from __future__ import annotations

from itertools import pairwise

import pytest

from cachetui.compare.timeline import needs, timeline
from cachetui.dockerfile.parse import parse
from cachetui.records.step import StepId
from tests import make_records as b

DOCKERFILE = parse(b.DOCKERFILE)
RUN_NPM, COPY_DEPS, COPY_ASSETS = StepId(1, 2), StepId(2, 2), StepId(2, 3)


def test_needs_come_from_stages_copies_and_mounts() -> None:
    text = (
        "FROM base:1 AS a\nRUN one\nFROM a AS b\nRUN two\n"
        "FROM base:1\nRUN --mount=from=b,target=/b three\nCOPY --link --from=a /x /x\nRUN four\n"
    )
    made = tuple(
        b.step(stage, index, line, "miss") for stage, _, index, _, line in b.instructions(text)
    )
    found = needs(b.run("new", "buildkit-cold", steps=made), parse(text))
    assert found == {
        StepId(0, 0): (),
        StepId(0, 1): (StepId(0, 0),),
        StepId(1, 0): (StepId(0, 1),),
        StepId(1, 1): (StepId(1, 0),),
        StepId(2, 0): (),
        StepId(2, 1): (StepId(2, 0), StepId(1, 1)),
        StepId(2, 2): (StepId(0, 1),),
        StepId(2, 3): (StepId(2, 1), StepId(2, 2)),
    }


def test_a_legacy_build_is_one_step_after_the_other() -> None:
    run = b.run("new", "legacy-cold", text=b.PLAIN)
    line = timeline(run, parse(b.PLAIN))
    assert line.lanes == 1
    assert line.critical == tuple(bar.step.id for bar in line.bars)
    assert line.early == ()


def test_parallel_stages_have_lanes_and_a_critical_path() -> None:
    run = b.run("new", "buildkit-cold")
    line = timeline(run, DOCKERFILE)
    bars = {bar.step.id: bar for bar in line.bars}
    assert line.lanes >= 2
    assert bars[RUN_NPM].critical
    assert not bars[StepId(0, 3)].critical
    assert bars[COPY_ASSETS].needs == (COPY_DEPS, RUN_NPM)
    assert line.critical[0] == StepId(1, 0)
    assert line.critical[-1] == StepId(2, 5)
    assert line.critical_seconds == pytest.approx(0.2 + 8.5 + 0.2 + 0.2 + 11.0)
    assert line.share == pytest.approx(line.critical_seconds / run.seconds)


def test_bars_of_a_lane_do_not_overlap() -> None:
    line = timeline(b.run("new", "buildkit-cold"), DOCKERFILE)
    for lane in range(line.lanes):
        bars = sorted((bar.start, bar.end) for bar in line.bars if bar.lane == lane)
        assert all(end <= start for (_, end), (start, _) in pairwise(bars))


def test_an_early_start_says_why_it_is_allowed() -> None:
    found = {
        early.step: early for early in timeline(b.run("new", "buildkit-cold"), DOCKERFILE).early
    }
    copy_web = found[StepId(1, 1)]
    assert StepId(0, 3) in copy_web.overtaken
    assert copy_web.reason == "it builds on nothing of stage deps"
    assert COPY_ASSETS not in found
    assert StepId(1, 0) not in found  # base images are looked up first, whatever they are for


def test_an_early_start_names_what_the_step_builds_on() -> None:
    text = "FROM base:1 AS a\nRUN one\nFROM base:1 AS b\nRUN two\nFROM a\nRUN three\n"
    times = {(0, 1): (0.0, 1.0), (1, 1): (2.0, 9.0), (2, 1): (1.0, 2.0)}
    made = [
        b.step(stage, index, line, "miss", 1.0, stage=name, started=span[0], finished=span[1])
        for stage, name, index, _, line in b.instructions(text)
        if (span := times.get((stage, index)))
    ]
    (early,) = timeline(b.run("new", "buildkit-cold", steps=tuple(made)), parse(text)).early
    assert early.step == StepId(2, 1)
    assert early.reason == "it builds on nothing of stage b, only on stage a"


def test_a_cached_step_need_not_wait_for_what_it_builds_on() -> None:
    made = (
        b.step(0, 1, "RUN one", "hit", 0.0, started=0.5, finished=0.5),
        b.step(0, 2, "RUN two", "hit", 0.0, started=0.1, finished=0.1),
    )
    dockerfile = parse("FROM base:1\nRUN one\nRUN two\n")
    (early,) = timeline(b.run("new", "buildkit-warm", steps=made), dockerfile).early
    assert "cached" in early.reason


def test_steps_without_times_are_set_apart_and_seen_through() -> None:
    made = (
        b.step(0, 1, "RUN one", "miss", 1.0, started=0.0, finished=1.0),
        b.step(0, 2, "RUN two", "miss"),
        b.step(0, 3, "RUN three", "miss", 1.0, started=2.0, finished=3.0),
        b.step(0, 4, "RUN four", "miss", 1.0, started=9.0, finished=3.0),
    )
    line = timeline(b.run("new", "buildkit-cold", steps=made), None)
    assert [step.index for step in line.untimed] == [2, 4]
    assert line.bars[1].needs == (StepId(0, 1),)
    assert line.bars[1].waited == pytest.approx(1.0)
    assert line.early == ()


def test_a_run_without_steps_has_an_empty_timeline() -> None:
    line = timeline(b.unsupported("new", "legacy-cold"), DOCKERFILE)
    assert (line.bars, line.critical, line.lanes, line.share) == ((), (), 0, None)


def test_the_critical_path_of_a_failed_run_ends_with_the_failure() -> None:
    made = (
        b.step(
            0, 1, "RUN stopped when the other failed", "not-reached", 2.3, started=0, finished=2.3
        ),
        b.step(1, 1, "RUN fails", "failed", 2.0, started=0.1, finished=2.1),
    )
    line = timeline(b.run("new", "buildkit-cold", steps=made), None)
    assert line.critical == (StepId(1, 1),)
