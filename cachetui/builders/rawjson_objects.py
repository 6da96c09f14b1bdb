"""The objects in what `--progress=rawjson` prints, however it is cut and indented.

buildx 0.13 and 0.14 indent an object over many lines, later ones print one a line (lab). Errors
come as plain text after the objects, or between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cachetui.builders.line_buffer import LineBuffer
from cachetui.records.from_json import decoder

MAX_OBJECT = 16 << 20
"""Bytes of one object that are kept back for its end; a longer one is left out, with a message."""


class RawVertex(msgspec.Struct, gc=False):
    digest: str = ""
    name: str = ""
    started: str | None = None
    completed: str | None = None
    cached: bool = False
    error: str = ""


class RawStatus(msgspec.Struct, gc=False):
    id: str = ""
    vertex: str = ""
    current: int = 0
    total: int = 0
    completed: str | None = None


class RawLog(msgspec.Struct, gc=False):
    vertex: str = ""
    data: bytes = b""


class RawWarning(msgspec.Struct, gc=False):
    short: bytes = b""


class SolveStatus(msgspec.Struct, gc=False):
    vertexes: list[RawVertex] | None = None
    statuses: list[RawStatus] | None = None
    logs: list[RawLog] | None = None
    warnings: list[RawWarning] | None = None


_LINE = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_OUTDENTED = re.compile(rb"(?:[ \t][^\n]*+(?:\n|\Z)|\n)*+[^ \t\n]")
"""Lines up to one that is not indented; an empty one can stand anywhere in an object."""

_NEXT_LINE = re.compile(rb"[^\n]*\n")
_OBJECT_END = re.compile(rb"(?:[ \t][^\n]*+(?:\n|\Z)|\n)*+(?:\}\n|(?=[^ \t\n]))")

_PARTS: dict[str, Any] = {
    "vertexes": RawVertex,
    "statuses": RawStatus,
    "logs": RawLog,
    "warnings": RawWarning,
}


class ObjectReader:
    """Bytes in; out come, in order, lists of `SolveStatus` and the lines (bytes) that are none."""

    def __init__(self) -> None:
        self._lines = LineBuffer(MAX_OBJECT)
        self._decoder = decoder(SolveStatus)
        self._open: list[bytes] = []  # an indented object that has not ended
        self._open_size = 0
        self._skip: re.Pattern[bytes] | None = None  # the end of what is left out
        self.left_out = 0
        """Objects of more than `MAX_OBJECT` bytes that were left out."""

    def feed(self, data: bytes) -> Iterator[list[SolveStatus] | bytes]:
        """Take a block of output, cut anywhere."""
        whole = self._lines.push(data)
        if whole:
            yield from self._take(whole)

    def close(self) -> Iterator[list[SolveStatus] | bytes]:
        """The output ended: what was kept back."""
        rest = self._lines.rest()
        if rest:
            yield from self._take(rest)
        if self._open:
            yield from self._by_lines(self._closed())

    def _take(self, whole: bytes) -> Iterator[list[SolveStatus] | bytes]:
        if self._skip is not None:
            end = self._skip.match(whole)
            if end is None:
                return
            self._skip = None
            whole = whole[end.end() :]
        if not whole.endswith(b"\n") and len(whole) > MAX_OBJECT:
            self._leave_out(_NEXT_LINE)
            return
        whole = self._ended_objects(whole)
        if self._open_size > MAX_OBJECT:
            self._closed()
            self._leave_out(_OBJECT_END)
        if not whole:
            return
        try:
            statuses = self._decoder.decode_lines(whole)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            statuses = []
        if statuses and len(statuses) == _objects(whole):
            yield statuses
        else:
            yield from self._by_lines(whole)

    def _leave_out(self, until: re.Pattern[bytes]) -> None:
        self.left_out += 1
        self._skip = until

    def _ended_objects(self, whole: bytes) -> bytes:
        """Keep back the indented object that is open at the end of these lines, if one is: it
        began with the last line that is not indented, and that is `{`."""
        if self._open:
            self._open.append(whole)
            self._open_size += len(whole)
            if _OUTDENTED.match(whole) is None:
                return b""
            whole = self._closed()
        if whole.startswith(b'{"', whole.rfind(b"\n", 0, -1) + 1):
            return whole  # one object a line
        last = 0 if whole.startswith(b"{\n") else -1
        last = max(last, whole.rfind(b"\n{\n") + 1 or -1)
        if last < 0 or _OUTDENTED.match(whole, last + 2):
            return whole
        self._open = [whole[last:]]
        self._open_size = len(whole) - last
        return whole[:last]

    def _closed(self) -> bytes:
        """What was kept back, which no further line belongs to."""
        whole = b"".join(self._open)
        self._open, self._open_size = [], 0
        return whole

    def _by_lines(self, whole: bytes) -> Iterator[list[SolveStatus] | bytes]:
        """The slow way, for output with something else among the objects."""
        inside: list[bytes] = []
        for line in _LINE.findall(whole):
            if inside and line.startswith((b" ", b"\t", b"\n")):
                inside.append(line)
                continue
            if inside and line.rstrip(b"\n") == b"}":
                yield self._object(b"".join([*inside, line]))
                inside = []
                continue
            yield from inside
            inside = []
            if line == b"{\n":
                inside = [line]
            else:
                yield self._object(line) if line.startswith(b"{") else line
        yield from inside

    def _object(self, text: bytes) -> list[SolveStatus] | bytes:
        """An object, without those of its parts that are not understood; the text itself where
        nothing is."""
        try:
            return [self._decoder.decode(text)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            loose = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return text
        status = SolveStatus()
        known = False
        for name, kind in _PARTS.items():
            items = loose.get(name) if isinstance(loose, dict) else None
            if isinstance(items, list):
                known = True
                setattr(status, name, list(_converted(items, kind)))
        return [status] if known else text


def _objects(whole: bytes) -> int:
    """How many objects there are in lines that are nothing but objects of one form: one a line,
    or indented between `{` and `}`."""
    return whole.count(b"\n}\n" if whole.startswith(b"{\n") else b"\n")


def _converted(items: list[Any], kind: Any) -> Iterator[Any]:
    for item in items:
        try:
            yield msgspec.convert(item, kind, strict=False)
        except (msgspec.ValidationError, ValueError, TypeError):
            continue
