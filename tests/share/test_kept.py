"""What a kind of cache kept, by builds of several targets."""

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.records.run import Run
from cachetui.records.step import Step, StepStatus
from cachetui.share.kept import asked_again, cut_after, kept_steps

TEXT = """\
# syntax=docker/dockerfile:1
FROM base AS deps
WORKDIR /w
COPY package.json .
RUN deps
FROM base AS test
RUN test
FROM base
COPY --from=deps /w /w
COPY src .
RUN last
CMD ["x"]
"""
STATUS: dict[str, StepStatus] = {"h": "hit", "m": "miss", "-": "not-needed", ".": "not-reached"}


def run(letters: str, text: str = TEXT) -> Run:
    """A run whose steps, but for FROMs, have these states, a letter each."""
    given = iter(letters.replace(" ", ""))
    steps = tuple(
        Step(
            stage=None,
            stage_index=item.stage_index,
            index=item.index,
            line=item.line,
            instruction=f"{item.keyword} {' '.join(item.args)}",
            status="hit" if item.keyword == "FROM" else STATUS[next(given)],
        )
        for item in parse(text).instructions
        if item.stage_index >= 0
    )
    assert next(given, None) is None
    return Run(
        id="r",
        audit="a",
        host="h",
        scenario="buildkit-import-inline",
        repeat=1,
        status="ok",
        started_at=0.0,
        seconds=1.0,
        steps=steps,
    )


def kept(runs: dict[int, Run], text: str = TEXT) -> dict[int, list[str]]:
    """What became of the steps of each stage."""
    found: dict[int, list[str]] = {}
    for step in kept_steps(parse(text), runs):
        found.setdefault(step.stage_index, []).append(step.kept)
    return found


def test_all_kept_where_each_stage_hits_by_itself() -> None:
    assert kept({2: run("hhh - hhhh"), 0: run("hhh - ----")}) == {
        0: ["spared", "spared", "kept"],
        2: ["spared", "spared", "kept"],
    }


def test_a_stage_that_runs_by_itself_is_not_kept_although_it_hit_before() -> None:
    found = kept({2: run("hhh - hhhh"), 0: run("hhm - ----")})
    assert found[0] == ["spared", "here", "not-kept"]
    assert found[2] == ["spared", "spared", "kept"]


def test_a_hit_above_a_miss_was_needed() -> None:
    found = kept({2: run("hhm - hhmm"), 0: run("hhh - ----")})
    assert found[0] == ["spared", "here", "not-kept"], "what ran before answers for itself"
    assert found[2] == ["spared", "here", "not-kept"]


def test_a_copy_of_a_stage_that_was_not_built_came_with_the_import() -> None:
    text = "FROM base AS a\nRUN a\nFROM base\nCOPY --from=a /x /x\n"
    assert kept({1: run("hh", text)}, text) == {1: ["kept"]}


@pytest.mark.parametrize("letters", ["mh"])
def test_a_copy_of_a_stage_that_was_built_can_be_the_hosts_own(letters: str) -> None:
    text = "FROM base AS a\nRUN a\nFROM base\nCOPY --from=a /x /x\n"
    assert kept({1: run(letters, text)}, text) == {1: ["here"]}


def test_a_copy_below_a_run_of_the_stage_it_stands_on_is_no_ones_own() -> None:
    text = "FROM base AS a\nRUN a\nFROM a\nCOPY x /x\n"
    assert kept({1: run("hh", text)}, text) == {1: ["kept"]}


def test_a_copy_with_no_run_above_can_be_the_hosts_own() -> None:
    text = "FROM base\nCOPY x /x\n"
    assert kept({0: run("h", text)}, text) == {0: ["here"]}


def test_what_was_not_reached_is_unknown() -> None:
    text = "FROM base\nRUN a\nRUN b\n"
    assert kept({0: run("h.", text)}, text) == {0: ["spared", "unknown"]}


def test_stages_that_the_target_does_not_need_are_not_asked() -> None:
    assert asked_again(parse(TEXT), 2) == [0]
    assert asked_again(parse("FROM a AS x\nFROM x\nRUN b\n"), 1) == []


def test_a_dockerfile_is_cut_before_the_next_from() -> None:
    text = cut_after(TEXT, parse(TEXT), 0)
    assert text.splitlines()[-1] == "RUN deps"
    assert text.startswith("# syntax=")
    assert cut_after(TEXT, parse(TEXT), 2) == TEXT
