"""A log that grows elsewhere: what is new of it, and a copy made of such pieces."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from cachetui.records.step import StepId
from cachetui.store.log_blocks import Block, LogBlocks
from cachetui.store.plain_disk import private_file
from cachetui.store.run_log import RunLog


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Blocks of a log from number `first` on, as they are in its file (`data`), with all of its
    `steps` by number. `tail` is the text behind the last block with its spans, empty where more
    blocks are to come."""

    steps: list[StepId | None]
    first: int
    blocks: list[Block]
    data: bytes
    tail: tuple[bytes, list[int]]


def piece_of(log: RunLog, first: int, most: int) -> LogPiece:
    """What of the log comes from block `first` on: about `most` bytes of its file. Raises
    `OSError`."""
    blocks, data = log.blocks.packed(first, most)
    whole = first + len(blocks) == len(log.blocks.spans()) - 1
    return LogPiece(log.blocks.steps, first, blocks, data, log.blocks.tail if whole else (b"", []))


class LogCopy:
    """A copy in the file `path`, as far as pieces came. For any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blocks: list[Block] = []
        self._steps: list[StepId | None] = [None]
        self._tail: tuple[bytes, list[int]] = (b"", [])
        self._lock = threading.Lock()
        private_file(path, buffering=0).close()

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    def take(self, piece: LogPiece) -> None:
        """Add the next piece; one that comes twice adds nothing. Raises `OSError`."""
        with self._lock:
            if piece.first != len(self._blocks):
                return
            with self._path.open("ab") as file:
                file.write(piece.data)
            self._blocks += piece.blocks
            self._steps, self._tail = piece.steps, piece.tail

    def so_far(self) -> RunLog:
        """A reader over what there is. Raises `OSError` where the file is gone."""
        with self._lock:
            blocks, steps, tail = list(self._blocks), list(self._steps), self._tail
        return RunLog(LogBlocks(self._path.open("rb"), steps, blocks, tail))
