"""Shared by the parsers: cut blocks into whole lines, with a bound on what is kept back."""

from __future__ import annotations

MAX_LINE = 1 << 20
"""Bytes of a line without an end that are kept back before it is passed on in pieces."""

MAX_ERROR = 4096
"""Characters of an error's text that are kept."""

MAX_NAME = 8192
"""Characters of a step's or vertex's name that are kept."""


class LineBuffer:
    """Blocks in, whole lines out; a line without an end is kept back, up to `MAX_LINE` bytes.

    Takes time linear in the bytes fed, however they are cut: pieces are joined only once.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def push(self, data: bytes) -> bytes:
        """What can be read now: ends in a newline, or is a piece of an overlong line, or b""."""
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._pieces.append(data)
            self._size += len(data)
            return self.rest() if self._size > self._limit else b""
        whole = data if cut == len(data) else data[:cut]
        if self._pieces:
            whole = b"".join([*self._pieces, whole])
            self._pieces.clear()
            self._size = 0
        if cut < len(data):
            self._pieces.append(data[cut:])
            self._size = len(data) - cut
        return whole

    def rest(self) -> bytes:
        """What is kept back, now given out."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return rest


def text_of(data: bytes, limit: int = MAX_ERROR) -> str:
    """Bytes as text of at most `limit` characters; what is not UTF-8 is replaced."""
    text = data[: limit * 4].decode("utf-8", "replace")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable_size(text: str) -> int | None:
    """Bytes of a size as Docker prints it: "3.072kB", "12.5MB", "2B"; None for anything else.

    Units are decimal (`docker/go-units` HumanSize); four digits are printed, so it is rounded.
    """
    number = text.rstrip("BkMGTPEi")
    unit = text[len(number) :].removesuffix("B").removesuffix("i").upper()
    try:
        value = float(number)
    except ValueError:
        return None
    power = " KMGTPE".find(unit or " ")
    if power < 0 or not 0 <= value < 1e6:
        return None
    return round(value * 1000.0**power)
