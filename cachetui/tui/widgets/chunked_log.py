"""Lines of a log by number, read a chunk at a time: a log can be far larger than memory."""

from __future__ import annotations

from collections import OrderedDict

from cachetui.store.log_blocks import LogError
from cachetui.store.log_text import Line as LogLine
from cachetui.store.log_text import LogText
from cachetui.tui.view.text import clean_line

_CHUNK = 256
"""Lines read at once."""

_MAX_CHUNKS = 16
"""Chunks held in memory, those used last."""


class ChunkedLog:
    """Reads lines when they are asked for, and holds the last chunks."""

    def __init__(self, text: LogText) -> None:
        self._text = text
        self._chunks: OrderedDict[int, list[tuple[LogLine, str]]] = OrderedDict()

    def entry(self, number: int) -> tuple[LogLine, str] | None:
        """A line, from 0, and its text as it is shown; None beyond the end. A line that cannot be
        read says so."""
        index, position = divmod(number, _CHUNK)
        chunk = self._chunks.get(index)
        if chunk is None:
            chunk = self._chunks[index] = self._read(index)
            if len(self._chunks) > _MAX_CHUNKS:
                self._chunks.popitem(last=False)
        else:
            self._chunks.move_to_end(index)
        return chunk[position] if position < len(chunk) else None

    def line(self, number: int) -> str:
        """A line's text as it is shown; "" beyond the end."""
        entry = self.entry(number)
        return entry[1] if entry else ""

    def _read(self, index: int) -> list[tuple[LogLine, str]]:
        try:
            lines = self._text.read(index * _CHUNK, _CHUNK)
        except (LogError, OSError, ValueError) as error:
            lines = [LogLine(None, f"cannot be read: {error}".encode())]
        return [(line, clean_line(last_return(line.text))) for line in lines]


def last_return(text: str) -> str:
    """What a terminal leaves of a line that carriage returns overwrote."""
    text = text.rstrip("\r")
    return text.rsplit("\r", 1)[-1] if "\r" in text else text
