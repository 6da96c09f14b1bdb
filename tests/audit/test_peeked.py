"""What is taken from a stopped build, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cachetui.audit.peek_results import PeekResult, Place, peek_of
from cachetui.audit.peeked import UntilStopped, peeked_steps, together
from cachetui.builders.command_line import Build, build_arguments
from cachetui.builders.first_run import stopped_mark
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import PEEKS, Planned
from cachetui.records.step import Step
from cachetui.report.peek import render
from cachetui.store.database import Store
from tests.make_records import HOSTILE, document, step

MARK = f"\n{stopped_mark('A')}\n".encode()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_nothing_behind_the_mark_is_taken(size: int) -> None:
    taken: list[bytes] = []
    until = UntilStopped("A", lambda data, _: taken.append(data))
    output = b"#5 CACHED\n\ncachetui: B\n" + MARK + b"#6 CACHED\n"
    for start in range(0, len(output), size):
        until.output(output[start : start + size], 0.0)
    until.close(0.0)
    assert until.stopped
    assert b"".join(taken) == b"#5 CACHED\n\ncachetui: B\n"


def test_all_is_taken_of_a_build_that_ends_by_itself() -> None:
    taken: list[bytes] = []
    until = UntilStopped("A", lambda data, _: taken.append(data))
    until.output(b"#5 CACHED\n" + MARK[:9], 0.0)
    until.close(0.0)
    assert not until.stopped
    assert b"".join(taken) == b"#5 CACHED\n" + MARK[:9]


def test_the_run_that_began_first_is_the_miss() -> None:
    steps = [
        step(0, 1, "COPY a /", "stopped", started=0.1),
        step(0, 2, "RUN a", "hit"),
        step(1, 1, "RUN late", "stopped", started=0.5),
        step(2, 1, "RUN first", "stopped", started=0.4),
    ]
    assert [s.status for s in peeked_steps(steps)] == ["not-reached", "hit", "not-reached", "miss"]


def test_of_a_build_in_parts_the_first_that_tells_of_a_step_counts() -> None:
    blank = [step(0, 0, "FROM a", "not-reached"), step(0, 1, "COPY a /", "not-reached")]
    blank += [step(0, 2, "RUN a", "not-reached"), step(1, 1, "RUN b", "not-needed")]
    ran = [step(0, 1, "COPY a /", "miss", 0.1), step(0, 2, "RUN a", "not-reached")]
    then = [step(0, 0, "FROM a", "hit"), step(0, 0, "RUN t", "hit", trigger=0)]
    then += [step(0, 1, "COPY a /", "hit")]
    told = [(s.instruction, s.status) for s in together(blank, (ran, then))]
    assert told == [
        ("FROM a", "hit"),
        ("RUN t", "hit"),
        ("COPY a /", "miss"),
        ("RUN a", "not-reached"),
        ("RUN b", "not-needed"),
    ]


def test_of_a_trigger_without_a_text_nothing_is_said() -> None:
    steps = [step(0, 0, "ONBUILD", "stopped", started=0.4, trigger=0)]
    assert [s.status for s in peeked_steps(steps)] == ["not-reached"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["--cache-to", "type=inline"], []),
        (["--pull", "--cache-to=type=inline", "--shm-size", "1g"], ["--pull", "--shm-size", "1g"]),
        (["--label", "cache-to"], ["--label", "cache-to"]),
    ],
)
def test_a_peek_exports_nothing(given: list[str], kept: list[str]) -> None:
    build = Build(context="/c", dockerfile="/c/Dockerfile", docker_args=given)
    for scenario, output in zip(PEEKS, ([], ["--output=type=cacheonly"]), strict=True):
        words = build_arguments(build, Planned(scenario.name, 1), "A", "legacy")
        assert words == ["build", *kept, *output, "-f", "/c/Dockerfile", "/c"]


def peeked(*steps: Step) -> Document:
    """A peek at one host of the hand-made build."""
    made = document()
    run = msgspec.structs.replace(made.runs[-1], id="p", scenario="buildkit-peek", steps=steps)
    return msgspec.structs.replace(
        made, audit="peek-1", runs=(run,), hosts=made.hosts[-1:], scenarios=("buildkit-peek",)
    )


def keep_built(store: Store, *steps: Step) -> None:
    """Store an audit of the same build and host, in which these steps ran."""
    made = document()
    run: Run = msgspec.structs.replace(made.runs[-1], scenario="buildkit-cold", steps=steps)
    store.keep_missing([run])
    store.keep_audit(msgspec.structs.replace(made, audit="cold-1", runs=(run,)))


HIT = step(0, 1, "RUN a", "hit")
MISS = step(0, 2, "RUN b", "miss")
UNKNOWN = step(0, 3, "RUN c", "not-reached")


def test_the_cost_is_what_the_steps_took_in_a_stored_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep_built(
        store,
        step(0, 1, "RUN a", "miss", 9.0, started=0.0),
        step(0, 2, "RUN b", "miss", 4.0, started=9.0),
        step(0, 3, "RUN c", "miss", 3.0, started=11.0),  # side by side for 2 s
    )
    peek = peek_of(peeked(HIT, MISS, UNKNOWN), Findings(), store)
    (result,) = peek.results
    assert (result.hits, result.undecided) == (1, 1)
    assert result.first_miss == Place(line=3, stage=None, instruction="RUN b")
    assert (result.seconds, result.measured_in) == (5.0, "cold-1")
    assert "1 hit, cold from line 3 on, 1 not decided" in render(peek, "table")
    assert "about 5.0s" in render(peek, "table")


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step(0, 2, "RUN b", "miss", 4.0, started=9.0),),
        (step(0, 2, "RUN b", "miss", 4.0, started=9.0), step(0, 3, "RUN other", "miss", 1.0)),
        (step(0, 2, "RUN b", "hit", 0.0, started=9.0), step(0, 3, "RUN c", "miss", 1.0)),
    ],
)
def test_a_cost_that_no_stored_run_shows_is_unknown(
    tmp_path: Path, steps: tuple[Step, ...]
) -> None:
    store = Store(tmp_path)
    keep_built(store, *steps)
    peek = peek_of(peeked(HIT, MISS, UNKNOWN), Findings(), store)
    assert peek.results[0].seconds is None
    assert "unknown" in render(peek, "table").splitlines()[1]


def test_what_buildkit_keeps_is_named(tmp_path: Path) -> None:
    ran = step(0, 1, "COPY a /", "miss", 0.1)
    peek = peek_of(peeked(ran, MISS), Findings(), Store(tmp_path))
    assert [place.instruction for place in peek.results[0].kept] == ["COPY a /"]
    assert "BuildKit keeps what ran before the stop: line 2" in render(peek, "table")


@pytest.mark.parametrize("name", ["table", "markdown", "jsonl", "json"])
def test_hostile_text_does_no_harm(tmp_path: Path, name: str) -> None:
    hostile = step(0, 1, f"RUN {HOSTILE}", "miss")
    text = render(peek_of(peeked(hostile), Findings(), Store(tmp_path)), name)
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(text)


def test_json_has_every_result(tmp_path: Path) -> None:
    peek = peek_of(peeked(HIT), Findings(), Store(tmp_path))
    decoded = msgspec.json.decode(render(peek, "json"))
    assert decoded["audit"] == "peek-1"
    assert msgspec.convert(decoded["results"], list[PeekResult]) == list(peek.results)
    assert len(render(peek, "jsonl").splitlines()) == 1
