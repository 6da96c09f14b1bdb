"""What BuildKit prints with `--progress=rawjson`, as events.

Sources: buildkit `client/graph.go` (SolveStatus), `util/progress/progressui/display.go`
(rawJSONDisplay, mergeIntervals: what its own displays make of the same data); buildx 0.13 and
0.14 indent an object over many lines, later ones print one a line (lab). Errors come as plain
text after the objects, or between them.

A vertex is announced (without `started`: not an event), started and completed, and that more
than once; its seconds are the sum of its merged intervals.

**Clock.** `started` and `finished` come from the engine's timestamps, laid on ours by the least
delay seen so far between a timestamp and the arrival of the block that brought it. So what the
connection delays later does not matter, and neither does a vertex that began before this build
did (one that another build has at work, lab): it starts at 0. The error is that least delay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from cachetui.builders.events import (
    ContextSent,
    Ended,
    Event,
    ImageMade,
    Log,
    Message,
    Outcome,
    Started,
)
from cachetui.builders.line_buffer import MAX_NAME, LineBuffer, text_of

MAX_OBJECT = 16 << 20
"""Bytes of one object that are kept back for its end; a longer one is left out, with a message."""

MAX_VERTEXES = 20_000
"""Vertices that are tracked; any further one is left out."""

MAX_SPANS = 256
"""Intervals of a vertex that are kept apart; beyond, those that ended are added up."""

CANCELLED = "context canceled"
"""How the error of a vertex ends that was cancelled (`display.go`)."""


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
_OUTDENTED = re.compile(rb"(?:[ \t][^\n]*+(?:\n|\Z))*+[^ \t]")
"""Lines up to one that is not indented."""

_NEXT_LINE = re.compile(rb"[^\n]*\n")
_OBJECT_END = re.compile(rb"(?:[ \t][^\n]*+(?:\n|\Z))*+(?:\}\n|(?=[^ \t]))")

_PARTS: dict[str, Any] = {
    "vertexes": RawVertex,
    "statuses": RawStatus,
    "logs": RawLog,
    "warnings": RawWarning,
}


@dataclass(slots=True)
class _Vertex:
    name: str
    spans: dict[float, float | None] = field(default_factory=dict)  # start → end
    folded: float = 0.0  # seconds of intervals that are no longer kept apart
    first: float | None = None
    fetched: bool = False

    def add(self, start: float, end: float | None) -> None:
        if self.first is None or start < self.first:
            self.first = start
        if len(self.spans) >= MAX_SPANS and start not in self.spans:
            self.folded += merged_seconds(self.spans)
            self.spans.clear()
        self.spans[start] = end

    @property
    def seconds(self) -> float:
        return self.folded + merged_seconds(self.spans)


def merged_seconds(spans: dict[float, float | None]) -> float:
    """Seconds covered by intervals, overlaps once (`display.go` mergeIntervals); open ones 0."""
    total = 0.0
    reached = float("-inf")
    for start, end in sorted((s, e) for s, e in spans.items() if e is not None):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


class RawJsonParser:
    """Bytes of rawjson progress in, events out; the key of a vertex is its digest."""

    def __init__(self) -> None:
        self._lines = LineBuffer(MAX_OBJECT)
        self._decoder = msgspec.json.Decoder(SolveStatus)
        self._vertexes: dict[str, _Vertex] = {}
        self._open: list[bytes] = []  # an indented object that has not ended
        self._open_size = 0
        self._skip: re.Pattern[bytes] | None = None  # the end of what is left out
        self._zero = float("-inf")  # the engine's clock at the start of the run

    def feed(self, data: bytes, at: float) -> list[Event]:
        """Take a block of output as it arrived; see `Parser`."""
        events: list[Event] = []
        whole = self._lines.push(data)
        if whole:
            self._take(whole, at, events)
        return events

    def close(self, at: float) -> list[Event]:
        """The output ended. Vertices without an end get none."""
        events: list[Event] = []
        rest = self._lines.rest()
        if rest:
            self._take(rest, at, events)
        if self._open:
            self._by_lines(self._closed(), at, events)
        return events

    def _take(self, whole: bytes, at: float, events: list[Event]) -> None:
        if self._skip is not None:
            end = self._skip.match(whole)
            if end is None:
                return
            self._skip = None
            whole = whole[end.end() :]
        if not whole.endswith(b"\n") and len(whole) > MAX_OBJECT:
            self._leave_out(_NEXT_LINE, at, events)
            return
        whole = self._ended_objects(whole)
        if self._open_size > MAX_OBJECT:
            self._closed()
            self._leave_out(_OBJECT_END, at, events)
        if not whole:
            return
        try:
            found = self._decoder.decode_lines(whole)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = []
        if found and len(found) == _objects(whole):
            self._events(found, at, events)
        else:
            self._by_lines(whole, at, events)

    def _leave_out(self, until: re.Pattern[bytes], at: float, events: list[Event]) -> None:
        text = f"an object of more than {MAX_OBJECT >> 20} MiB was left out"
        events.append(Message(text, at, "warning"))
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

    def _by_lines(self, whole: bytes, at: float, events: list[Event]) -> None:
        """The slow way, for output with something else among the objects."""
        inside: list[bytes] = []
        for line in _LINE.findall(whole):
            if inside and line.startswith((b" ", b"\t")):
                inside.append(line)
                continue
            if inside and line.rstrip(b"\n") == b"}":
                self._one(b"".join([*inside, line]), at, events)
                inside = []
                continue
            for text in inside:
                self._message(text, at, events)
            inside = []
            if line == b"{\n":
                inside = [line]
            elif line.startswith(b"{"):
                self._one(line, at, events)
            else:
                self._message(line, at, events)
        for text in inside:
            self._message(text, at, events)

    def _one(self, text: bytes, at: float, events: list[Event]) -> None:
        try:
            self._events((self._decoder.decode(text),), at, events)
            return
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        try:
            loose = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._message(text, at, events)
            return
        status = SolveStatus()
        known = False
        for name, kind in _PARTS.items():
            items = loose.get(name) if isinstance(loose, dict) else None
            if isinstance(items, list):
                known = True
                setattr(status, name, list(_converted(items, kind)))
        if known:
            self._events((status,), at, events)
        else:
            self._message(text, at, events)

    def _events(self, found: Iterable[SolveStatus], at: float, events: list[Event]) -> None:
        key: str | None = None
        pieces: list[bytes] = []
        for status in found:
            if status.vertexes or status.statuses or status.warnings:
                if key is not None:
                    events.append(Log(key, b"".join(pieces), at))
                    key = None
                self._other(status, at, events)
            for log in status.logs or ():
                if log.vertex == key:
                    pieces.append(log.data)
                    continue
                if key is not None:
                    events.append(Log(key, b"".join(pieces), at))
                key, pieces = log.vertex, [log.data]
        if key is not None:
            events.append(Log(key, b"".join(pieces), at))

    def _other(self, status: SolveStatus, at: float, events: list[Event]) -> None:
        for raw in status.vertexes or ():
            self._vertex(raw, at, events)
        for update in status.statuses or ():
            vertex = self._vertexes.get(update.vertex)
            if vertex is not None:
                self._status(vertex, update, at, events)
        events.extend(
            Message(text_of(warning.short, MAX_NAME), at, "warning")
            for warning in status.warnings or ()
        )

    def _vertex(self, raw: RawVertex, at: float, events: list[Event]) -> None:
        start = self._clock(raw.started, at)
        end = self._clock(raw.completed, at)
        vertex = self._vertexes.get(raw.digest)
        if start is None:
            start = end if raw.error else None  # failed before it began
            if start is None:
                return
        if vertex is None:
            if len(self._vertexes) >= MAX_VERTEXES:
                return
            vertex = self._vertexes[raw.digest] = _Vertex(raw.name[:MAX_NAME])
            events.append(Started(raw.digest, vertex.name, max(0.0, start - self._zero)))
        vertex.add(start, end)
        if end is None or vertex.first is None:
            return
        outcome: Outcome = "hit" if raw.cached else "done"
        if raw.error:
            outcome = "cancelled" if raw.error.endswith(CANCELLED) else "failed"
        events.append(
            Ended(
                raw.digest,
                outcome,
                at,
                vertex.seconds,
                "engine",
                started=max(0.0, vertex.first - self._zero),
                finished=max(0.0, end - self._zero),
                error=text_of(raw.error.encode()) if raw.error else None,
                fetched=vertex.fetched,
            )
        )

    def _status(self, vertex: _Vertex, update: RawStatus, at: float, events: list[Event]) -> None:
        name = update.id
        if name.startswith("extracting sha256:") or (
            name.startswith("sha256:") and (update.current or update.total)
        ):
            vertex.fetched = True
        elif name.startswith("transferring context"):
            if update.completed and vertex.name.endswith("load build context"):
                events.append(ContextSent(update.current, at))
        elif update.completed and name.startswith(
            ("writing image sha256:", "exporting manifest sha256:", "exporting manifest list sha")
        ):
            events.append(ImageMade(None, name.rsplit(" ", 1)[1], True, at))

    def _clock(self, stamp: str | None, at: float) -> float | None:
        """An engine's timestamp in seconds by its clock, None for none or a bad one."""
        if not stamp:
            return None
        try:
            moment = datetime.fromisoformat(stamp).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
        self._zero = max(self._zero, moment - at)
        return moment

    def _message(self, line: bytes, at: float, events: list[Event]) -> None:
        text = text_of(line.rstrip(b"\r\n"), MAX_NAME)
        if not text.strip():
            return
        if text.startswith(("ERROR", "error", "failed to")):
            events.append(Message(text, at, "error"))
        elif text.lstrip().startswith("WARN"):
            events.append(Message(text, at, "warning"))
        else:
            events.append(Message(text, at))


def _objects(whole: bytes) -> int:
    """How many objects there are in lines that are nothing but objects of one form: one a line,
    or indented between `{` and `}`."""
    return whole.count(b"\n}\n" if whole.startswith(b"{\n") else b"\n")


def _converted(items: list[Any], kind: Any) -> Iterable[Any]:
    for item in items:
        try:
            yield msgspec.convert(item, kind, strict=False)
        except (msgspec.ValidationError, ValueError, TypeError):
            continue
