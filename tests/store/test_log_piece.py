"""A log that is copied piece by piece while it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.records.step import StepId
from cachetui.store.log_piece import LogCopy, piece_of
from cachetui.store.log_writer import LogWriter

A, B = StepId(0, 1), StepId(1, 2)


def lines(log: LogWriter | LogCopy) -> list[str]:
    with log.so_far() as reader:
        return [line.text for line in reader.whole()]


@pytest.mark.parametrize("most", [1, 100_000, 10_000_000])
def test_the_copy_is_what_was_written(tmp_path: Path, most: int) -> None:
    writer, copy = LogWriter(tmp_path / "log"), LogCopy(tmp_path / "copy")
    for number in range(30):
        text = b"".join(b"%d %d %s\n" % (number, n, b"x" * 200) for n in range(100))
        writer.write(A if number % 2 else B, text)
        writer.write(None, b"a message\n")
        with writer.so_far() as log:
            piece = piece_of(log, copy.blocks, most)
        copy.take(piece)
        copy.take(piece)  # what is asked for twice may come twice
        had = lines(copy)
        assert had == lines(writer)[: len(had)]
    for _ in range(100):
        with writer.so_far() as log:
            copy.take(piece_of(log, copy.blocks, most))
    assert lines(copy) == lines(writer)
    with copy.so_far() as log, writer.so_far() as own:
        assert [x.text for x in log.step(A)] == [x.text for x in own.step(A)]
    writer.close()


def test_a_piece_of_another_place_is_not_taken(tmp_path: Path) -> None:
    writer, copy = LogWriter(tmp_path / "log"), LogCopy(tmp_path / "copy")
    writer.write(A, b"x" * 300_000)
    with writer.so_far() as log:
        copy.take(piece_of(log, 1, 10))
    assert copy.blocks == 0
    writer.close()
