"""The log of a run on disk: one stream in order of arrival, readable whole or step by step.

A file is a run of zlib blocks and an index behind them, so that a log of millions of lines is
opened by reading the index alone, and searched a block at a time. Memory is bounded by the
block size, for writer and reader alike.

Layout: blocks; index (msgpack: `[steps, blocks]`, `steps` a list of `[stage, index, trigger]`
of which number 0 is null: text that belongs to no step; `blocks` a list of
`[offset, packed, spans]`, `spans` a flat list of `step, bytes, newlines, …`); the length of the
index (8 bytes, little endian); the magic. Nothing in it is executable.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate, compress
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import msgspec

from cachetui.records.step import StepId

MAGIC = b"cachetui-log-1\n"
BLOCK = 128 * 1024
_LINE_CAP = 1024 * 1024
_BLOCKS_KEPT = 8


class LogError(Exception):
    """A kept log that cannot be read: cut short, or not a log of ours."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline, and the step it belongs to (None: none)."""

    step: StepId | None
    data: bytes

    @property
    def text(self) -> str:
        """The line decoded; undecodable bytes replaced. Not cleaned for a display."""
        return self.data.decode("utf-8", "replace")


@dataclass(slots=True)
class _Block:
    offset: int
    packed: int
    spans: list[int]


class LogWriter:
    """Append a run's output as it comes. One thread; `close` writes the index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._steps: dict[StepId | None, int] = {None: 0}
        self._lines: dict[StepId | None, int] = {}
        self._open_line: dict[StepId | None, bool] = {}
        self._blocks: list[_Block] = []
        self._parts: list[bytes] = []
        self._spans: list[int] = []
        self._size = 0
        self._offset = 0

    def write(self, step: StepId | None, data: bytes) -> None:
        """Add a piece of output of `step` (None: of no step), of any size."""
        if not data:
            return
        number = self._steps.setdefault(step, len(self._steps))
        newlines = data.count(b"\n")
        self._lines[step] = self._lines.get(step, 0) + newlines
        self._open_line[step] = not data.endswith(b"\n")
        spans = self._spans
        if spans and spans[-3] == number:
            spans[-2] += len(data)
            spans[-1] += newlines
        else:
            spans += (number, len(data), newlines)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= BLOCK:
            self._flush()

    def lines(self, step: StepId | None) -> int:
        """How many lines `step` has so far, an unfinished one included."""
        return self._lines.get(step, 0) + self._open_line.get(step, False)

    def _flush(self) -> None:
        if not self._parts:
            return
        packed = zlib.compress(b"".join(self._parts), 1)
        self._file.write(packed)
        self._blocks.append(_Block(self._offset, len(packed), self._spans))
        self._offset += len(packed)
        self._parts, self._spans, self._size = [], [], 0

    def close(self) -> None:
        """Write what is pending and the index. More than once is once."""
        if self._file.closed:
            return
        self._flush()
        steps = [None if s is None else [s.stage_index, s.index, s.trigger] for s in self._steps]
        blocks = [[b.offset, b.packed, b.spans] for b in self._blocks]
        index = zlib.compress(msgspec.msgpack.encode([steps, blocks]), 1)
        self._file.write(index + len(index).to_bytes(8, "little") + MAGIC)
        self._file.close()

    def so_far(self) -> RunLog:
        """A reader over what has been written until now, for a log that still grows.

        Safe to call from another thread: it sees a consistent prefix or a line less.
        """
        self._flush_file()
        blocks = list(self._blocks)
        pending, spans = list(self._parts), list(self._spans)
        steps = list(self._steps)
        data = b"".join(pending)
        total = sum(spans[1::3])
        if total != len(data):  # the writer was between two lines of `write`
            data, spans = b"", []
        return RunLog(self.path.open("rb"), steps, blocks, (data, spans))

    def _flush_file(self) -> None:
        if not self._file.closed:
            self._file.flush()


class RunLog:
    """A kept log, opened. `close` it, or use it as a context manager.

    Threads may share it; a `LogText` is one thread's, but for `search`, which keeps no state.
    """

    def __init__(
        self,
        file: BinaryIO,
        steps: list[StepId | None],
        blocks: list[_Block],
        tail: tuple[bytes, list[int]] = (b"", []),
    ) -> None:
        self._file = file
        self._steps = steps
        self._blocks = blocks
        self._tail = tail
        self._reading = Lock()

    @classmethod
    def open(cls, file: BinaryIO | bytes) -> RunLog:
        """Read the index of a seekable file (or of bytes). Raises `LogError`."""
        stream: BinaryIO = BytesIO(file) if isinstance(file, bytes) else file
        try:
            end = stream.seek(0, 2)
            footer = len(MAGIC) + 8
            if end < footer:
                raise LogError("the kept log is cut short")
            stream.seek(end - footer)
            raw = stream.read(footer)
            length = int.from_bytes(raw[:8], "little")
            if raw[8:] != MAGIC or length > end - footer:
                raise LogError("the kept log is cut short or damaged")
            stream.seek(end - footer - length)
            packed = zlib.decompress(stream.read(length))
            steps, blocks = msgspec.msgpack.decode(
                packed,
                type=tuple[
                    list[tuple[int, int, int | None] | None], list[tuple[int, int, list[int]]]
                ],
            )
        except (OSError, zlib.error, msgspec.MsgspecError) as error:
            raise LogError(f"the kept log is damaged: {error}") from None
        ids = [None if step is None else StepId(*step) for step in steps]
        return cls(stream, ids, [_Block(*block) for block in blocks])

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def step(self, step: StepId | None) -> LogText:
        """The lines of one step alone (None: those of no step)."""
        number = self._steps.index(step) if step in self._steps else -1
        return LogText(self, number)

    def whole(self) -> LogText:
        """All lines as they arrived, steps interleaved."""
        return LogText(self, None)

    def _block(self, block: int) -> tuple[bytes, list[int]]:
        """The block's text, steps interleaved, and its spans."""
        if block == len(self._blocks):
            return self._tail
        entry = self._blocks[block]
        with self._reading:
            self._file.seek(entry.offset)
            packed = self._file.read(entry.packed)
        try:
            return zlib.decompress(packed), entry.spans
        except zlib.error as error:
            raise LogError(f"the kept log is damaged: {error}") from None

    def _pieces(self, block: int) -> list[tuple[int, bytes]]:
        """The block's pieces as (step number, bytes), in order."""
        data, spans = self._block(block)
        pieces: list[tuple[int, bytes]] = []
        at = 0
        for i in range(0, len(spans), 3):
            pieces.append((spans[i], data[at : at + spans[i + 1]]))
            at += spans[i + 1]
        return pieces

    def _spans(self) -> list[list[int]]:
        return [block.spans for block in self._blocks] + [self._tail[1]]


class LogText:
    """Lines by number, from 0, of a whole log or of one step: read lazily, a block at a time.

    A line that spans blocks is joined, up to 1 MiB; beyond, it is cut into several reads but
    still counts as one line. `lines` is how many there are, an unfinished one included.
    """

    def __init__(self, log: RunLog, number: int | None) -> None:
        self._log = log
        self._number = number
        self._used: list[int] = []
        self._first: list[int] = []
        self._ends: dict[int, bool] = {}
        newlines = 0
        for block, spans in enumerate(log._spans()):
            if number is None:
                used, here = bool(spans), sum(spans[2::3])
            else:
                mine = [step == number for step in spans[::3]]
                used, here = any(mine), sum(compress(spans[2::3], mine))
            if used:
                self._used.append(block)
                self._first.append(newlines)
                newlines += here
        last_open = bool(self._used) and not self._ends_a_line(len(self._used) - 1)
        self.lines = newlines + last_open
        self._cache: OrderedDict[int, list[Line]] = OrderedDict()

    def _data(self, position: int) -> tuple[bytes, list[tuple[int, int]]]:
        """The text of the used block at `position`, and (offset, step number) of its pieces."""
        parts: list[bytes] = []
        marks: list[tuple[int, int]] = []
        at = 0
        for step, data in self._log._pieces(self._used[position]):
            if self._number is None or step == self._number:
                marks.append((at, step))
                parts.append(data)
                at += len(data)
        return b"".join(parts), marks

    def _text(self, position: int) -> bytes:
        """The text of the used block at `position`."""
        data, spans = self._log._block(self._used[position])
        if self._number is None:
            return data
        ends = list(accumulate(spans[1::3]))
        starts = [0, *ends[:-1]]
        mine = [step == self._number for step in spans[::3]]
        places = compress(zip(starts, ends, strict=True), mine)
        return b"".join([data[start:end] for start, end in places])

    def _ends_a_line(self, position: int) -> bool:
        """Whether the text of the used block at `position` ends with a newline."""
        kept = self._ends.get(position)
        if kept is None:
            kept = self._ends[position] = self._text(position).endswith(b"\n")
        return kept

    def _block_lines(self, position: int) -> list[Line]:
        """Lines that *begin* in the block; the last is completed from the blocks that follow."""
        kept = self._cache.get(position)
        if kept is not None:
            self._cache.move_to_end(position)
            return kept
        data, marks = self._data(position)
        begins_inside = position > 0 and not self._ends_a_line(position - 1)
        start = 0
        if begins_inside:
            cut = data.find(b"\n")
            start = len(data) if cut < 0 else cut + 1
        if start < len(data) and not data.endswith(b"\n"):
            tail = bytearray()
            following = position + 1
            while following < len(self._used) and len(tail) < _LINE_CAP:
                more = self._text(following)
                cut = more.find(b"\n")
                tail += more if cut < 0 else more[:cut]
                if cut >= 0:
                    break
                following += 1
            data += bytes(tail)
        lines: list[Line] = []
        offsets = [offset for offset, _ in marks]
        at = start
        for raw in data[start:].split(b"\n"):
            number = marks[max(0, bisect_right(offsets, at) - 1)][1] if marks else 0
            lines.append(Line(self._log._steps[number], raw))
            at += len(raw) + 1
        if data.endswith(b"\n") or start >= len(data):
            lines.pop()
        self._cache[position] = lines
        if len(self._cache) > _BLOCKS_KEPT:
            self._cache.popitem(last=False)
        return lines

    def _first_line(self, position: int) -> int:
        """The number of the first line that begins in the block."""
        first = self._first[position]
        if position > 0 and not self._ends_a_line(position - 1):
            first += 1
        return first

    def read(self, start: int, count: int) -> list[Line]:
        """Lines `start` to `start + count`, fewer at the end."""
        found: list[Line] = []
        if not self._used or start >= self.lines or count <= 0:
            return found
        position = max(0, bisect_right(self._first, max(0, start)) - 1)
        while position > 0 and self._first_line(position) > start:
            position -= 1
        while position < len(self._used) and len(found) < count:
            lines = self._block_lines(position)
            skip = max(0, start + len(found) - self._first_line(position))
            found += lines[skip : skip + count - len(found)]
            position += 1
        return found

    def __iter__(self) -> Iterator[Line]:
        for position in range(len(self._used)):
            yield from self._block_lines(position)

    def tail(self, count: int) -> list[Line]:
        """The last `count` lines."""
        return self.read(max(0, self.lines - count), count)

    def search(self, text: str, *, ignore_case: bool = True, start: int = 0) -> Iterator[int]:
        """Numbers of the lines that hold `text`, ascending, from line `start` on.

        Reads a block at a time, so that the first match shows before the last is found. Case is
        ignored for ASCII letters alone. Text that stands across two lines is not found. May be
        used by another thread than the one that reads.
        """
        needle = text.encode("utf-8", "surrogatepass")
        if not needle:
            return
        if ignore_case:
            needle = needle.lower()
        carry = b""
        number = 0
        seen = -1
        last = len(self._used) - 1
        for position in range(len(self._used)):
            data = carry + self._text(position)
            cut = len(data) if position == last else data.rfind(b"\n") + 1
            if not cut and len(data) <= _LINE_CAP:
                carry = data
                continue
            # A line beyond the cap is searched piece by piece, each with the end of the last.
            end = cut or len(data)
            newlines = data.count(b"\n", 0, end)
            if number + newlines >= start:
                hay = data.lower() if ignore_case else data
                at, here = 0, number
                while (found := hay.find(needle, at, end)) >= 0:
                    here += data.count(b"\n", at, found)
                    if here >= start and here != seen:
                        yield here
                        seen = here
                    at = data.find(b"\n", found, end) + 1
                    if not at:
                        break
                    here += 1
            number += newlines
            carry = data[cut:] if cut else data[-(len(needle) - 1) :] if len(needle) > 1 else b""
