"""What BuildKit prints with `--progress=rawjson`, as events.

Sources: buildkit `client/graph.go` (SolveStatus), `util/progress/progressui/display.go`
(rawJSONDisplay, mergeIntervals: what its own displays make of the same data). `rawjson_objects`
finds the objects.

A vertex is announced (without `started`: not an event), started and completed, and that more
than once; its seconds are the sum of its merged intervals.

A hit in an imported cache is started and completed as cached, then again without a word of that
for the pull of its layers. So what a vertex that was called cached does from then on is a hit too,
unless reading it from the cache failed: then it runs (lab).

**Clock.** `started` and `finished` come from the engine's timestamps, laid on ours by the least
delay seen so far between a timestamp and the arrival of the block that brought it. So what the
connection delays later does not matter, and neither does a vertex that began before this build
did (one that another build has at work, lab): it starts at 0. The error is that least delay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cachetui.builders.events import (
    ContextSent,
    Ended,
    Event,
    ImageMade,
    LayerPull,
    Log,
    Message,
    Outcome,
    Started,
)
from cachetui.builders.line_buffer import MAX_NAME, text_of
from cachetui.builders.pull import Pull
from cachetui.builders.rawjson_objects import (
    MAX_OBJECT,
    ObjectReader,
    RawStatus,
    RawVertex,
    SolveStatus,
)

MAX_VERTEXES = 20_000
"""Vertices that are tracked; any further one is left out."""

MAX_SPANS = 256
"""Intervals of a vertex that are kept apart; beyond, those that ended are added up."""

CANCELLED = "context canceled"
"""How the error of a vertex ends that was cancelled (`display.go`)."""


@dataclass(slots=True)
class _Vertex:
    name: str
    spans: dict[float, float | None] = field(default_factory=dict)  # start → end
    folded: float = 0.0  # seconds of intervals that are no longer kept apart
    first: float | None = None  # the first start that counts
    cached: float | None = None  # since when it is called cached
    pull: Pull = field(default_factory=Pull)

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
        self._reader = ObjectReader()
        self._left_out = 0
        self._vertexes: dict[str, _Vertex] = {}
        self._zero = float("-inf")  # the engine's clock at the start of the run

    def feed(self, data: bytes, at: float) -> list[Event]:
        """Take a block of output as it arrived; see `Parser`."""
        return self._take(self._reader.feed(data), at)

    def close(self, at: float) -> list[Event]:
        """The output ended. Vertices without an end get none."""
        return self._take(self._reader.close(), at)

    def _take(self, items: Iterable[list[SolveStatus] | bytes], at: float) -> list[Event]:
        events: list[Event] = []
        for item in items:
            if isinstance(item, bytes):
                self._message(item, at, events)
            else:
                self._events(item, at, events)
        while self._left_out < self._reader.left_out:
            self._left_out += 1
            text = f"an object of more than {MAX_OBJECT >> 20} MiB was left out"
            events.append(Message(text, at, "warning"))
        return events

    def _events(self, statuses: Iterable[SolveStatus], at: float, events: list[Event]) -> None:
        key: str | None = None
        pieces: list[bytes] = []
        for status in statuses:
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
        if raw.cached and vertex.cached is None:
            vertex.cached = start
        if end is None or vertex.first is None:
            return
        hit = raw.cached or (vertex.cached is not None and start >= vertex.cached)
        outcome: Outcome = "hit" if hit else "done"
        if raw.error:
            outcome = "cancelled" if raw.error.endswith(CANCELLED) else "failed"
            vertex.cached, vertex.pull = None, Pull()
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
                fetched=vertex.pull.seen,
                fetched_bytes=vertex.pull.bytes,
            )
        )
        vertex.pull.over()
        if outcome == "hit" and not vertex.pull.seen:
            vertex.first = None  # a pull that is still to come is when it is at work

    def _status(self, vertex: _Vertex, update: RawStatus, at: float, events: list[Event]) -> None:
        name = update.id
        if name.startswith(("extracting sha256:", "pulling sha256:")):
            vertex.pull.seen = True
            self._layer(vertex, update, name.removeprefix("pulling "), at, events)
        elif name.startswith("sha256:") and (update.current or update.total):
            vertex.pull.layer(name, update.total or update.current)
            self._layer(vertex, update, name, at, events)
        elif name.startswith("transferring context"):
            if update.completed and vertex.name.endswith("load build context"):
                events.append(ContextSent(update.current, at))
        elif update.completed and name.startswith(
            ("writing image sha256:", "exporting manifest sha256:", "exporting manifest list sha")
        ):
            events.append(ImageMade(None, name.rsplit(" ", 1)[1], True, at))

    def _layer(
        self, vertex: _Vertex, update: RawStatus, layer: str, at: float, events: list[Event]
    ) -> None:
        ended = bool(update.completed)
        if layer.startswith("sha256:") and vertex.pull.turns(layer, ended=ended):
            events.append(LayerPull(update.vertex, layer, ended, at))

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
