"""Recordings: what they say of themselves, and text that is cut anywhere."""

from __future__ import annotations

import base64
import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.demo.fleet import BUILDS
from cachetui.demo.placeholders import FACTS
from cachetui.demo.recording import (
    Chunk,
    Exchange,
    Recording,
    RecordingError,
    Session,
    chunks_of,
    decode,
    encode,
    recordings,
    replace_across,
)

RECORDINGS = recordings()
MOST_BYTES = 300_000


def texts(recording: Recording) -> str:
    """All that a recording holds, the logs of rawjson decoded too."""
    found = []
    for session in recording.sessions:
        for exchange in session.exchanges:
            whole = "".join(chunk.text for chunk in exchange.chunks)
            found += [exchange.command, whole]
            for line in re.findall(r'"data": ?"([A-Za-z0-9+/=]+)"', whole):
                found.append(base64.b64decode(line).decode("utf-8", "replace"))
    return "\n".join(found)


def test_four_engines_from_old_to_new() -> None:
    assert [one.host for one in RECORDINGS] == ["old-20.10", "mid-26.1", "new-28.5", "ctd-28.5"]
    assert sum(len(encode(one)) for one in RECORDINGS) < MOST_BYTES


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.host)
class TestEach:
    def test_it_says_what_it_is(self, recording: Recording) -> None:
        assert "Real output of a real Docker Engine" in recording.about
        assert "lab" in recording.about
        assert date.fromisoformat(recording.recorded) >= date(2026, 1, 1)
        assert recording.engine.startswith(recording.host.split("-")[1])
        assert recording.client
        assert recording.store
        assert (recording.buildx is None) == recording.host.startswith("old")
        assert [session.build for session in recording.sessions] == list(BUILDS)
        assert all(session.before for session in recording.sessions)

    def test_the_engine_itself_says_the_same(self, recording: Recording) -> None:
        for session in recording.sessions:
            facts = next(one for one in session.exchanges if one.command == FACTS)
            said = "".join(chunk.text for chunk in facts.chunks)
            version = next(line for line in said.splitlines() if line.startswith('{"Client"'))
            assert json.loads(version)["Server"]["Version"] == recording.engine

    def test_nothing_of_the_machine_is_in_it(self, recording: Recording) -> None:
        said = texts(recording)
        for trace in ("cachetui-lab", "cachetui-demo-lab", "/work/", "/home/", "token="):
            assert trace not in said

    def test_times_run_forward(self, recording: Recording) -> None:
        for session in recording.sessions:
            for exchange in session.exchanges:
                times = [chunk.at for chunk in exchange.chunks]
                assert times == sorted(times)
                assert all(0 <= at <= exchange.seconds + 0.5 for at in times)


def test_what_is_kept_is_read_again() -> None:
    one = recording("docker ps", "x")
    assert decode(encode(one), "one") == one
    assert encode(one) == encode(one)


@pytest.mark.parametrize("data", [b"", b"no gzip", encode(RECORDINGS[0])[:-9], b"\x1f\x8b\x08"])
def test_a_damaged_recording_is_told(data: bytes) -> None:
    with pytest.raises(RecordingError, match=r"the recording broken cannot be read"):
        decode(data, "broken")


def test_blocks_are_cut_between_characters() -> None:
    data = "é…".encode()
    blocks = [(float(at), 1, data[at : at + 1]) for at in range(len(data))]
    chunks = chunks_of([*blocks, (9.0, 2, b"e")])
    assert [(chunk.at, chunk.source, chunk.text) for chunk in chunks] == [
        (1.0, 1, "é"),
        (4.0, 1, "…"),
        (9.0, 2, "e"),
    ]
    with pytest.raises(UnicodeDecodeError):
        chunks_of([(0.0, 1, b"\xff")])


@given(st.lists(st.text("ab<>", max_size=6), max_size=8), st.sampled_from(["ab", "a", "aab", "<>"]))
def test_replacing_finds_what_is_cut(parts: list[str], old: str) -> None:
    chunks = tuple(Chunk(float(at), 1, text) for at, text in enumerate(parts))
    replaced = replace_across(chunks, {old: "[new]"})
    whole = "".join(parts)
    assert "".join(chunk.text for chunk in replaced) == whole.replace(old, "[new]")
    assert all(chunk.text for chunk in replaced)


def test_the_two_outputs_are_kept_apart() -> None:
    chunks = (Chunk(0, 1, "a"), Chunk(1, 2, "b"), Chunk(2, 1, "b"))
    replaced = replace_across(chunks, {"ab": "X"})
    assert [(chunk.source, chunk.text) for chunk in replaced] == [(1, "X"), (2, "b")]


def recording(command: str, *answers: str) -> Recording:
    """A recording of one command that was asked some times."""
    exchanges = tuple(
        Exchange(command=command, status=0, seconds=0.1, chunks=(Chunk(0.1, 1, answer),))
        for answer in answers
    )
    session = Session(build="shop", before="", scenarios=(), exchanges=exchanges)
    return Recording(
        about="",
        recorded="2026-01-01",
        host="h",
        engine="1.2.3",
        client="1.2.3",
        buildx=None,
        store="s",
        sessions=(session,),
    )
