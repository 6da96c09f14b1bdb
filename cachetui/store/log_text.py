"""The lines of a kept log, or of one of its steps, by number."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, compress

from cachetui.records.step import StepId
from cachetui.store.log_blocks import LogBlocks

_LINE_CAP = 1024 * 1024
_BLOCKS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline, and the step it belongs to (None: none)."""

    step: StepId | None
    data: bytes

    @property
    def text(self) -> str:
        """The line decoded; undecodable bytes replaced. Not cleaned for a display."""
        return self.data.decode("utf-8", "replace")


class LogText:
    """Lines by number, from 0, of a whole log or of one step: read lazily, a block at a time.

    A line that spans blocks is joined, up to 1 MiB; beyond, it is cut into several reads but
    still counts as one line. `lines` is how many there are, an unfinished one included.
    """

    def __init__(self, blocks: LogBlocks, number: int | None) -> None:
        self._blocks = blocks
        self._number = number
        self._used: list[int] = []
        self._first: list[int] = []
        self._ends: dict[int, bool] = {}
        newlines = 0
        for block, spans in enumerate(blocks.spans()):
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
        for step, data in self._blocks.pieces(self._used[position]):
            if self._number is None or step == self._number:
                marks.append((at, step))
                parts.append(data)
                at += len(data)
        return b"".join(parts), marks

    def _text(self, position: int) -> bytes:
        """The text of the used block at `position`."""
        data, spans = self._blocks.block(self._used[position])
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
        start = 0
        if position > 0 and not self._ends_a_line(position - 1):
            cut = data.find(b"\n")
            start = len(data) if cut < 0 else cut + 1
        if start < len(data) and not data.endswith(b"\n"):
            data += self._rest_of_line(position + 1)
        lines: list[Line] = []
        offsets = [offset for offset, _ in marks]
        at = start
        for raw in data[start:].split(b"\n"):
            number = marks[max(0, bisect_right(offsets, at) - 1)][1] if marks else 0
            lines.append(Line(self._blocks.steps[number], raw))
            at += len(raw) + 1
        if data.endswith(b"\n") or start >= len(data):
            lines.pop()
        self._cache[position] = lines
        if len(self._cache) > _BLOCKS_KEPT:
            self._cache.popitem(last=False)
        return lines

    def _rest_of_line(self, position: int) -> bytes:
        """What a line that goes on in the used block at `position` still has, without its newline:
        at most `_LINE_CAP` bytes and a block."""
        rest = bytearray()
        while position < len(self._used) and len(rest) < _LINE_CAP:
            text = self._text(position)
            cut = text.find(b"\n")
            rest += text if cut < 0 else text[:cut]
            if cut >= 0:
                break
            position += 1
        return bytes(rest)

    def _first_line(self, position: int) -> int:
        """The number of the first line that begins in the block."""
        first = self._first[position]
        if position > 0 and not self._ends_a_line(position - 1):
            first += 1
        return first

    def read(self, start: int, count: int) -> list[Line]:
        """Lines `start` to `start + count`, fewer at the end."""
        lines: list[Line] = []
        if not self._used or start >= self.lines or count <= 0:
            return lines
        position = max(0, bisect_right(self._first, max(0, start)) - 1)
        while position > 0 and self._first_line(position) > start:
            position -= 1
        while position < len(self._used) and len(lines) < count:
            skip = max(0, start + len(lines) - self._first_line(position))
            lines += self._block_lines(position)[skip : skip + count - len(lines)]
            position += 1
        return lines

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
