"""The file of a run's log: zlib blocks with an index behind them, read a block at a time.

A log of millions of lines is opened by reading the index alone. Memory is bounded by the size of
a block, for writer and reader alike.

Layout: blocks; index (msgpack: `[steps, blocks]`, `steps` a list of `[stage, index, trigger]`
of which number 0 is null: text that belongs to no step; `blocks` a list of
`[offset, packed, spans]`, `spans` a flat list of `step, bytes, newlines, …`); the length of the
index (8 bytes, little endian); the magic. Nothing in it is executable.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO

import msgspec

from cachetui.records.step import StepId

MAGIC = b"cachetui-log-1\n"
BLOCK = 128 * 1024
"""Bytes of text from which on a block is written."""

_FOOTER = len(MAGIC) + 8
_Index = tuple[list[tuple[int, int, int | None] | None], list[tuple[int, int, list[int]]]]


class LogError(Exception):
    """A kept log that cannot be read: cut short, or not a log of ours."""


@dataclass(slots=True)
class Block:
    """Where a block lies in the file (`offset`, `packed` bytes), and its `spans`."""

    offset: int
    packed: int
    spans: list[int]


def encode_index(steps: list[StepId | None], blocks: list[Block]) -> bytes:
    """What stands behind the blocks."""
    ids = [None if s is None else [s.stage_index, s.index, s.trigger] for s in steps]
    rows = [[block.offset, block.packed, block.spans] for block in blocks]
    index = zlib.compress(msgspec.msgpack.encode([ids, rows]), 1)
    return index + len(index).to_bytes(8, "little") + MAGIC


def read_index(file: BinaryIO) -> tuple[list[StepId | None], list[Block]]:
    """The steps by number, and the blocks, of a seekable file. Raises `LogError`."""
    try:
        end = file.seek(0, 2)
        if end < _FOOTER:
            raise LogError("the kept log is cut short")
        file.seek(end - _FOOTER)
        footer = file.read(_FOOTER)
        length = int.from_bytes(footer[:8], "little")
        if footer[8:] != MAGIC or length > end - _FOOTER:
            raise LogError("the kept log is cut short or damaged")
        file.seek(end - _FOOTER - length)
        steps, blocks = msgspec.msgpack.decode(zlib.decompress(file.read(length)), type=_Index)
    except (OSError, zlib.error, msgspec.MsgspecError) as error:
        raise LogError(f"the kept log is damaged: {error}") from None
    ids = [None if step is None else StepId(*step) for step in steps]
    return ids, [Block(*block) for block in blocks]


class LogBlocks:
    """The blocks of an opened log, and a `tail` (text and spans) that is not in the file yet.

    `steps` are the steps by number. Threads may share it.
    """

    def __init__(
        self,
        file: BinaryIO,
        steps: list[StepId | None],
        blocks: list[Block],
        tail: tuple[bytes, list[int]] = (b"", []),
    ) -> None:
        self.steps = steps
        self._file = file
        self._blocks = blocks
        self._tail = tail
        self._reading = Lock()

    def close(self) -> None:
        self._file.close()

    def packed(self, first: int, most: int) -> tuple[list[Block], bytes]:
        """Blocks from number `first` on, at least one where there is one, but not many more than
        `most` bytes; and what they are in the file. Raises `OSError`."""
        taken: list[Block] = []
        for block in self._blocks[first:]:
            if taken and block.offset + block.packed - taken[0].offset > most:
                break
            taken.append(block)
        if not taken:
            return [], b""
        with self._reading:
            self._file.seek(taken[0].offset)
            return taken, self._file.read(sum(block.packed for block in taken))

    @property
    def tail(self) -> tuple[bytes, list[int]]:
        return self._tail

    def spans(self) -> list[list[int]]:
        """The spans of each block, those of the tail last."""
        return [block.spans for block in self._blocks] + [self._tail[1]]

    def block(self, number: int) -> tuple[bytes, list[int]]:
        """A block's text, steps interleaved, and its spans. Raises `LogError`."""
        if number == len(self._blocks):
            return self._tail
        block = self._blocks[number]
        try:
            with self._reading:
                self._file.seek(block.offset)
                packed = self._file.read(block.packed)
            return zlib.decompress(packed), block.spans
        except OSError as error:
            raise LogError(f"the kept log cannot be read: {error}") from None
        except zlib.error as error:
            raise LogError(f"the kept log is damaged: {error}") from None

    def pieces(self, number: int) -> list[tuple[int, bytes]]:
        """A block's pieces as (step number, bytes), in order."""
        data, spans = self.block(number)
        pieces: list[tuple[int, bytes]] = []
        at = 0
        for i in range(0, len(spans), 3):
            pieces.append((spans[i], data[at : at + spans[i + 1]]))
            at += spans[i + 1]
        return pieces
