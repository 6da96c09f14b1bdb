"""Writing a run's log as its output comes."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path

from cachetui.records.step import StepId
from cachetui.store.log_blocks import BLOCK, Block, LogBlocks, encode_index
from cachetui.store.plain_disk import private_file
from cachetui.store.run_log import RunLog
from cachetui.store.troubles import write_all


class LogWriter:
    """Append a run's output as it comes. One thread; `close` writes the index.

    When nothing more can be written, the log ends there, whole and readable, and `trouble` says
    why. Where not even its index can be written there is no file after `close`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: OSError | None = None
        self._file = private_file(path, buffering=0)
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
        if self.trouble is None and self._append(packed):
            self._blocks.append(Block(self._offset, len(packed), self._spans))
            self._offset += len(packed)
        self._parts, self._spans, self._size = [], [], 0

    def _append(self, data: bytes) -> bool:
        """Write at the end, all or nothing."""
        try:
            write_all(self._file.fileno(), data)
        except OSError as error:
            self.trouble = self.trouble or error
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), self._offset)
                os.lseek(self._file.fileno(), self._offset, os.SEEK_SET)
            return False
        return True

    def close(self) -> None:
        """Write what is pending and the index. More than once is once."""
        if self._file.closed:
            return
        self._flush()
        if not self._append(encode_index(list(self._steps), self._blocks)):
            with suppress(OSError):
                self.path.unlink()
        with suppress(OSError):
            self._file.close()

    def so_far(self) -> RunLog:
        """A reader over what has been written until now, for a log that still grows.

        Safe to call from another thread: it sees a consistent prefix or a line less. Raises
        `OSError` where the file is gone.
        """
        blocks = list(self._blocks)
        pending, spans = list(self._parts), list(self._spans)
        steps = list(self._steps)
        data = b"".join(pending)
        total = sum(spans[1::3])
        if total != len(data):  # the writer was between two lines of `write`
            data, spans = b"", []
        return RunLog(LogBlocks(self.path.open("rb"), steps, blocks, (data, spans)))
