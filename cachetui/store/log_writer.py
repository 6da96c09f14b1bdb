"""Writing a run's log as its output comes."""

from __future__ import annotations

import zlib
from pathlib import Path

from cachetui.records.step import StepId
from cachetui.store.log_blocks import BLOCK, Block, LogBlocks, encode_index
from cachetui.store.run_log import RunLog


class LogWriter:
    """Append a run's output as it comes. One thread; `close` writes the index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._steps: dict[StepId | None, int] = {None: 0}
        self._lines: dict[StepId | None, int] = {}
        self._open_line: dict[StepId | None, bool] = {}
        self._blocks: list[Block] = []
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
        self._blocks.append(Block(self._offset, len(packed), self._spans))
        self._offset += len(packed)
        self._parts, self._spans, self._size = [], [], 0

    def close(self) -> None:
        """Write what is pending and the index. More than once is once."""
        if self._file.closed:
            return
        self._flush()
        self._file.write(encode_index(list(self._steps), self._blocks))
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
        return RunLog(LogBlocks(self.path.open("rb"), steps, blocks, (data, spans)))

    def _flush_file(self) -> None:
        if not self._file.closed:
            self._file.flush()
