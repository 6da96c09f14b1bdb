"""BuildKit's rawjson output, in what no recording shows."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from cachetui.builders.events import Ended, Event, Log, Message, Started
from cachetui.builders.rawjson_objects import MAX_OBJECT
from cachetui.builders.rawjson_output import RawJsonParser
from tests.builders.replay import events, joined


def line(indent: int | None = None, **parts: Any) -> bytes:
    return json.dumps(parts, indent=indent).encode() + b"\n"


def vertex(start: float, end: float | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"digest": "d", "name": "[2/2] RUN x", "started": stamp(start), **more}
    if end is not None:
        found["completed"] = stamp(end)
    return found


def stamp(seconds: float) -> str:
    return f"2026-01-01T00:00:{seconds:012.9f}Z"


def log(text: bytes, digest: str = "d") -> dict[str, Any]:
    return {"vertex": digest, "stream": 1, "data": base64.b64encode(text).decode(),
            "timestamp": stamp(1)}  # fmt: skip


def read(*blocks: bytes, at: float = 1.0) -> list[Event]:
    return joined(events("rawjson", blocks, at))


def ends(found: list[Event]) -> list[Ended]:
    return [event for event in found if isinstance(event, Ended)]


def layer(at: float, done: float | None = None, **more: Any) -> dict[str, Any]:
    found = {"id": "sha256:aa", "vertex": "d", "total": 41_950_000, "started": stamp(at), **more}
    return found if done is None else {**found, "completed": stamp(done)}


def test_a_vertex_that_was_cached_stays_a_hit_and_its_pull_is_the_cost() -> None:
    found = read(
        line(vertexes=[vertex(1, 1, cached=True)]),
        line(vertexes=[vertex(10)], statuses=[layer(10.2, current=20_000_000)]),
        line(vertexes=[vertex(10, 11)], statuses=[layer(10.2, 11, current=41_950_000)]),
        line(vertexes=[vertex(12, 12.5)]),
        at=30.0,
    )
    assert [end.outcome for end in ends(found)] == ["hit", "hit", "hit"]
    last = ends(found)[-1]
    assert last.seconds is not None
    assert last.started is not None
    assert last.finished is not None
    assert (round(last.seconds, 6), last.fetched_bytes) == (1.5, 41_950_000)
    assert round(last.finished - last.started, 6) == 2.5, "it was not at work before the pull"


def test_a_cached_vertex_that_could_not_be_read_runs_and_is_no_hit() -> None:
    found = read(
        line(vertexes=[vertex(1, 1, cached=True)]),
        line(vertexes=[vertex(2, 3, cached=True, error="failed to copy: not found")]),
        line(vertexes=[vertex(4, error="failed to copy: not found")]),
        line(vertexes=[vertex(4, 9)]),
    )
    assert [end.outcome for end in ends(found)] == ["hit", "failed", "done"]


def test_a_vertex_that_was_at_work_when_it_was_called_cached_is_no_hit() -> None:
    """BuildKit calls all that has not ended cached when a COPY's source is missing."""
    found = read(
        line(vertexes=[vertex(1)]),
        line(vertexes=[vertex(2, 2, cached=True)]),
        line(vertexes=[vertex(1, 3)]),
    )
    assert [end.outcome for end in ends(found)] == ["hit", "done"]


def test_merged_intervals() -> None:
    found = read(
        line(vertexes=[vertex(1, 3)]),
        line(vertexes=[vertex(2, 4)]),
        line(vertexes=[vertex(6, 7)]),
        line(vertexes=[vertex(6, 6.5)]),
        line(vertexes=[vertex(9)]),
        at=30.0,
    )
    assert [round(end.seconds or 0, 6) for end in ends(found)] == [2.0, 3.0, 4.0, 3.5]
    last = ends(found)[-1]
    assert last.started is not None
    assert last.finished is not None
    assert round(last.finished - last.started, 6) == 5.5
    assert last.timing == "engine"


def test_a_vertex_of_many_intervals_keeps_its_sum() -> None:
    found = read(*(line(vertexes=[vertex(n / 20, n / 20 + 0.01)]) for n in range(1000)))
    assert round(ends(found)[-1].seconds or 0, 3) == 10.0


def test_an_announcement_is_no_start() -> None:
    assert read(line(vertexes=[{"digest": "d", "name": "[1/2] FROM a"}])) == []


def test_the_clock_is_that_of_the_least_delay() -> None:
    parser = RawJsonParser()
    early = parser.feed(line(vertexes=[vertex(1, 2)]), 10.0)  # of another build, long over
    late = parser.feed(line(vertexes=[vertex(30, 31, digest="e")]), 11.0)
    assert isinstance(early[0], Started)
    assert early[0].at == 9.0
    (end,) = ends(late)
    assert (end.started, end.finished, end.seconds) == (10.0, 11.0, 1.0)
    (end,) = ends(parser.feed(line(vertexes=[vertex(1, 3)]), 99.0))
    assert (end.started, end.finished) == (0.0, 0.0)


def test_outcomes() -> None:
    found = read(
        line(
            vertexes=[
                vertex(1, 1, cached=True),
                vertex(1, 2, digest="e", error="it broke: context canceled"),
                vertex(1, 2, digest="f", error="it broke"),
                {"digest": "g", "name": "x", "completed": stamp(2), "error": "before it began"},
            ]
        )
    )
    assert [(end.key, end.outcome, end.error) for end in ends(found)] == [
        ("d", "hit", None),
        ("e", "cancelled", "it broke: context canceled"),
        ("f", "failed", "it broke"),
        ("g", "failed", "before it began"),
    ]


def test_logs_of_one_vertex_are_put_together() -> None:
    parser = RawJsonParser()
    found = parser.feed(
        line(logs=[log(b"a\n"), log(b"b\n")]) + line(logs=[log(b"c\n"), log(b"d\n", "e")]), 1.0
    )
    assert found == [Log("d", b"a\nb\nc\n", 1.0), Log("e", b"d\n", 1.0)]


def test_text_among_the_objects() -> None:
    for indent in (None, 2):
        found = read(
            b"some words\n"
            + line(indent, vertexes=[vertex(1)])
            + b"ERROR: failed to solve: x\n"
            + line(indent, logs=[log(b"x\n")])
            + b"{not json}\n  {\n"
        )
        assert [event for event in found if isinstance(event, Message)] == [
            Message("some words", 1.0),
            Message("ERROR: failed to solve: x", 1.0, "error"),
            Message("{not json}", 1.0),
            Message("  {", 1.0),
        ]
        assert Log("d", b"x\n", 1.0) in found


def test_a_part_of_the_wrong_type_spoils_itself_only() -> None:
    found = read(
        line(
            vertexes=[vertex(1, 2), {"digest": 7}, "x"],
            logs=[log(b"x\n"), {"vertex": "d", "data": "not base64!"}],
            statuses="none",
        )
    )
    assert [end.outcome for end in ends(found)] == ["done"]
    assert Log("d", b"x\n", 1.0) in found


def test_bad_timestamps() -> None:
    bad = line(vertexes=[{"digest": "d", "name": "x", "started": "yesterday"}])
    assert read(bad) == []


def test_an_object_without_an_end_is_left_out() -> None:
    parser = RawJsonParser()
    found = parser.feed(b'{"logs":["', 1.0)
    for _ in range(MAX_OBJECT // (1 << 20) + 2):
        found += parser.feed(b"x" * (1 << 20), 1.0)
    found += parser.feed(b'"]}\n' + line(logs=[log(b"x\n")]), 1.0)
    assert found == [
        Message("an object of more than 16 MiB was left out", 1.0, "warning"),
        Log("d", b"x\n", 1.0),
    ]


def test_an_indented_object_without_an_end_is_left_out() -> None:
    parser = RawJsonParser()
    found = parser.feed(line(2, logs=[log(b"a\n")]) + b"{\n", 1.0)
    for _ in range(MAX_OBJECT // (1 << 20) + 3):
        found += parser.feed(b'  "name": "x",\n' * (1 << 16), 1.0)
    found += parser.feed(b'  "name": "x"\n}\n' + line(2, logs=[log(b"b\n")]), 1.0)
    assert found == [
        Log("d", b"a\n", 1.0),
        Message("an object of more than 16 MiB was left out", 1.0, "warning"),
        Log("d", b"b\n", 1.0),
    ]


def test_other_json_is_a_message() -> None:
    for value in ([1], 3, "text"):
        text = msgspec.json.encode(value)
        assert read(text + b"\n") == [Message(text.decode(), 1.0)]
