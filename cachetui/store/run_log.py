"""The log of a run: one stream in order of arrival, readable whole or step by step."""

from __future__ import annotations

from io import BytesIO
from typing import BinaryIO

from cachetui.records.step import StepId
from cachetui.store.log_blocks import LogBlocks, read_index
from cachetui.store.log_text import LogText


class RunLog:
    """A kept log, opened. `close` it, or use it as a context manager.

    Threads may share it; a `LogText` is one thread's, but for `search`, which keeps no state.
    """

    def __init__(self, blocks: LogBlocks) -> None:
        self._blocks = blocks

    @classmethod
    def open(cls, file: BinaryIO | bytes) -> RunLog:
        """Read the index of a seekable file (or of bytes). Raises `LogError`."""
        stream: BinaryIO = BytesIO(file) if isinstance(file, bytes) else file
        return cls(LogBlocks(stream, *read_index(stream)))

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._blocks.close()

    def step(self, step: StepId | None) -> LogText:
        """The lines of one step alone (None: those of no step)."""
        steps = self._blocks.steps
        return LogText(self._blocks, steps.index(step) if step in steps else -1)

    @property
    def blocks(self) -> LogBlocks:
        """What it is made of."""
        return self._blocks

    def whole(self) -> LogText:
        """All lines as they arrived, steps interleaved."""
        return LogText(self._blocks, None)
