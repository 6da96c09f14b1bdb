"""Kept logs: what is written is what is read, however it was cut, at any size."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.records.step import StepId
from cachetui.store.log_blocks import BLOCK, LogError
from cachetui.store.log_writer import LogWriter
from cachetui.store.run_log import RunLog
from tests.examples import examples

A, B = StepId(0, 1), StepId(1, 2)


def written(path: Path, pieces: list[tuple[StepId | None, bytes]]) -> RunLog:
    writer = LogWriter(path / "log")
    for step, data in pieces:
        writer.write(step, data)
    writer.close()
    return RunLog.open((path / "log").open("rb"))


def lines_of(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return parts[:-1] if parts[-1] == b"" else parts


pieces = st.lists(
    st.tuples(
        st.sampled_from([None, A, B]),
        st.one_of(
            st.binary(max_size=40), st.sampled_from([b"x\n", b"\n", b"y" * 70000, b"z\n" * 60000])
        ),
    ),
    max_size=12,
)


@examples(0.4)
@given(pieces)
def test_each_step_reads_back(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[StepId | None, bytes]]
) -> None:
    with written(tmp_path_factory.mktemp("log"), given) as log:
        for step in (None, A, B):
            expected = lines_of(b"".join(data for s, data in given if s == step))
            text = log.step(step)
            assert text.lines == len(expected)
            assert [line.data for line in text] == expected
            for start in {0, len(expected) // 2, max(0, len(expected) - 3)}:
                assert [li.data for li in text.read(start, 5)] == expected[start : start + 5]


def test_whole_keeps_the_order_of_arrival_and_names_the_step(tmp_path: Path) -> None:
    with written(tmp_path, [(A, b"1\n"), (B, b"2\n"), (None, b"3\n"), (A, b"4\n")]) as log:
        found = [(line.step, line.data) for line in log.whole()]
    assert found == [(A, b"1"), (B, b"2"), (None, b"3"), (A, b"4")]


def test_search_finds_every_line_once_across_blocks(tmp_path: Path) -> None:
    data = b"".join(
        b"line %d %s\n" % (i, b"Needle needle" if i % 997 == 0 else b"hay") for i in range(50000)
    )
    assert len(data) > 4 * BLOCK
    with written(tmp_path, [(A, data[i : i + 30011]) for i in range(0, len(data), 30011)]) as log:
        text = log.step(A)
        expected = [i for i in range(50000) if i % 997 == 0]
        assert list(text.search("needle")) == expected
        assert list(text.search("needle", start=1000)) == [i for i in expected if i >= 1000]
        assert list(text.search("NEEDLE", ignore_case=False)) == []
        assert [text.read(i, 1)[0].data[:12] for i in expected[:3]] == [
            b"line 0 Needl",
            b"line 997 Nee",
            b"line 1994 Ne",
        ]


def test_a_growing_log_can_be_read(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "log")
    writer.write(A, b"one\n" * 50000)
    writer.write(A, b"two\npart")
    with writer.so_far() as log:
        text = log.step(A)
        assert text.lines == 50002 == writer.lines(A)
        assert [line.data for line in text.tail(3)] == [b"one", b"two", b"part"]
    writer.close()


@pytest.mark.parametrize(
    "damage", [b"", b"x", b"cachetui-log-1\n", b"\xff" * 200 + b"cachetui-log-1\n"]
)
def test_damage_is_an_error_of_its_own(damage: bytes) -> None:
    with pytest.raises(LogError):
        RunLog.open(damage)


@pytest.mark.parametrize("room", [0, 100, 20_000, 300_000])
def test_a_log_that_does_not_fit_is_whole_as_far_as_it_goes(tmp_path: Path, room: int) -> None:
    """The file may grow so far and no further, as where a disk is full."""
    data = random.Random(1).randbytes(BLOCK).replace(b"\n", b"")
    writer = LogWriter(tmp_path / "log")
    writer.write(A, b"first\n" * BLOCK)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (writer.path.stat().st_size + room, before[1]))
    try:
        for _ in range(3):
            writer.write(B, data)
            writer.write(B, b"\n" * BLOCK)
        writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert writer.trouble is not None
    if room == 0:
        assert not writer.path.exists()  # not even the index
        return
    with RunLog.open(writer.path.open("rb")) as log:
        assert log.step(A).lines == BLOCK
        assert log.step(B).lines == (0 if room < BLOCK else 2 * BLOCK)
        assert len([line.data for line in log.whole()]) == log.whole().lines
