"""What BuildKit prints with `--progress=plain`, as events.

Sources: buildkit `util/progress/progressui/printer.go` (printVtx) and `display.go`
(printErrorLogs), in the versions that docker 20.10's client, buildx 0.13 and buildx 0.29 hold;
and our lab.

A vertex is headed `#N name` each time the printer turns to it, `#M ...` marks the one it left;
20.10 prints the vertex's digest after each header. Every line of a step's own log is
`#N <seconds since its start> text`, so a log cannot pass for anything else, but in one place:
20.10 ends no line for a log that ends without a newline, and `#8 0.073 text#8 DONE 0.1s` is
what it prints. A log line that ends so is taken at its word when an empty line or the end
follows, as it does after a real DONE and not within a log.

BuildKit's client 0.10 and 0.11 (buildx 0.8 to 0.10, docker 23 and 24 without buildx) number the
log lines that come before their vertex's header with 0 (buildkit#3834): these belong to the vertex
of the line printed last. `#0 building with …` is no log line: it has no seconds.

`DONE` has its seconds (`printed`, tenths); `CACHED` is 0; ERROR and CANCELED have none, so they
are timed by arrival, from the first line of the vertex less the seconds of its first log line.

A hit in an imported cache has its layers pulled (`pull`). On a graph driver's store that is printed
before `CACHED`, which then has no seconds: it is timed by arrival. On the containerd store it comes
after, up to a `DONE`; or with that `DONE` alone, for what comes at once is printed once. If the
pull fails, an ERROR follows, and then the step runs (lab).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
from cachetui.builders.line_buffer import MAX_NAME, LineBuffer, printable_size, text_of
from cachetui.builders.pull import Pull

MAX_VERTEXES = 20_000
"""Vertices that are tracked; a line of any further one is a message."""

_LINE = re.compile(rb"#(\d{1,9}) ([^\n]*)\n?\Z")
_LOG_HEAD = re.compile(rb"#(\d{1,9}) (\d++)\.(\d*+) ")
# The outer repeat is not possessive: one over a group can match too much before Python 3.11.5
# (cpython#106052).
_RUN = re.compile(rb"#(\d{1,9}) \d++\.\d*+ [^\n]*+\n(?:#\1 \d++\.\d*+ [^\n]*+\n)*")
_PREFIX = re.compile(rb"\n#\d++ \d++\.\d*+ ")
_BLANK = re.compile(rb"\n++")
_DONE = re.compile(rb"DONE(?: (\d{1,9}(?:\.\d{1,3})?)s)?\Z")
_GLUED_DONE = re.compile(rb"#(\d{1,9}) DONE (\d{1,9}\.\d)s\n\Z")
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}\Z")
_FROM = re.compile(rb"(?:\[[^\]]*\] )?FROM ")
_SENT = re.compile(rb"transferring context: (\d[\d.]*[kKMGTPE]?i?B)")
_IMAGE = re.compile(
    rb"(?:writing image|exporting manifest|exporting manifest list) (sha256:[0-9a-f]{64})"
)
_LONG = 8192
"""Bytes of a block from which on it pays to look whether it is one vertex's log to its end."""


@dataclass(slots=True)
class _Vertex:
    name: bytes
    started: float
    logged: bool = False
    cached: bool = False
    pull: Pull = field(default_factory=Pull)


class PlainParser:
    """Bytes of plain progress in, events out; the key of a vertex is its number."""

    def __init__(self) -> None:
        self._lines = LineBuffer()
        self._vertexes: dict[bytes, _Vertex] = {}
        self._digests = False  # 20.10: headers are followed by digests
        self._glued = b""  # a log line of 20.10 that may end in the vertex's DONE
        self._open: bytes | None = None  # the vertex whose overlong log line goes on; b"": nobody's
        self._rule = False  # the last line was "------"
        self._epilogue = False
        self._prefix: tuple[bytes, re.Pattern[bytes]] = (b"", _PREFIX)
        self._last = b""  # how this block's last line begins
        self._printed = b""  # the vertex of the last line, b"" before the first

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
        self._release(True, at, events)
        return events

    def _take(self, whole: bytes, at: float, events: list[Event]) -> None:
        start, size = 0, len(whole)
        last = whole.rfind(b"\n", 0, -1) + 1
        self._last = whole[last : last + 12] if size >= _LONG and whole.endswith(b"\n") else b""
        while start < size:
            if self._open is None and not self._epilogue:
                if self._glued:
                    self._release(whole.startswith(b"\n", start), at, events)
                blank = _BLANK.match(whole, start)
                if blank:
                    self._rule = False
                    start = blank.end()
                    continue
                run = self._log_run(whole, start, at, events)
                if run > start:
                    start = run
                    continue
            end = whole.find(b"\n", start) + 1
            if end:
                self._line(whole[start:end], at, events)
            else:
                end = size
                self._piece(whole[start:], at, events)
            start = end

    def _log_run(self, whole: bytes, start: int, at: float, events: list[Event]) -> int:
        """Give out the log lines of one vertex that begin at `start`; returns where they end."""
        head = _LOG_HEAD.match(whole, start)
        key = self._logging(head)
        vertex = self._vertexes.get(key)
        if head is None or vertex is None:
            return start
        self._printed = key
        if not vertex.logged:
            vertex.logged = True
            since = float(b"%s.%s" % (head[2][:9], head[3][:3] or b"0"))
            vertex.started = max(0.0, min(vertex.started, at - since))
        if self._last.startswith(b"#%s " % head[1]):
            # Most blocks of a long log are of one vertex to their end: one pass tells and strips.
            log = whole[head.end() :]
            texts = self._prefix_of(head[1]).split(log)
            if len(texts) == len(log) - len(log.replace(b"\n", b"")):  # faster than bytes.count
                self._log(key, b"\n".join(texts), at, events)
                return len(whole)
            self._last = b""  # tried once a block: the rest is read run by run, in linear time
        run = _RUN.match(whole, start)
        if run is None:
            return start
        text = _PREFIX.sub(b"\n", b"\n" + run.group())[1:]
        self._log(key, text, at, events)
        return run.end()

    def _logging(self, head: re.Match[bytes] | None) -> bytes:
        """The vertex of a log line that begins so, b"" for none."""
        if head is None:
            return b""
        return self._printed if head[1] == b"0" else head[1]

    def _prefix_of(self, key: bytes) -> re.Pattern[bytes]:
        """What begins each of a vertex's log lines."""
        if self._prefix[0] != key:
            self._prefix = (key, re.compile(rb"\n#%s \d++\.\d*+ " % key))
        return self._prefix[1]

    def _log(self, key: bytes, text: bytes, at: float, events: list[Event]) -> None:
        if self._digests:
            last = text.rfind(b"\n", 0, len(text) - 1) + 1
            glued = _GLUED_DONE.search(text, max(last, len(text) - 32))
            if glued and glued[1] == key:
                self._glued = text[last:]
                text = text[:last]
                self._glued_key = key
        if text:
            events.append(Log(key.decode(), text, at))

    def _release(self, ended: bool, at: float, events: list[Event]) -> None:
        """Say what the log line that was kept back is, now that it is known what follows it."""
        line, self._glued = self._glued, b""
        if not line:
            return
        key = self._glued_key
        done = _GLUED_DONE.search(line)
        if not ended or done is None:
            events.append(Log(key.decode(), line, at))
            return
        if done.start():
            events.append(Log(key.decode(), line[: done.start()], at))
        self._end(key, "done", at, events, seconds=float(done[2]))

    def _piece(self, piece: bytes, at: float, events: list[Event]) -> None:
        """A piece of a line that is longer than is kept back, or the output's last line."""
        if self._open is not None:
            if self._open:
                events.append(Log(self._open.decode(), piece, at))
            else:
                self._message(piece, at, events)
            return
        head = _LOG_HEAD.match(piece)
        key = self._logging(head)
        if head and key in self._vertexes and not self._epilogue:
            self._open = self._printed = key
            events.append(Log(key.decode(), piece[head.end() :], at))
            return
        self._line(piece, at, events)
        self._open = b""

    def _line(self, line: bytes, at: float, events: list[Event]) -> None:
        if self._open is not None:
            self._piece(line, at, events)
            self._open = None
            return
        numbered = _LINE.match(line) if line.startswith(b"#") and not self._epilogue else None
        if numbered is None:
            if self._rule and line.startswith(b" > "):
                self._epilogue = True
            self._rule = line == b"------\n"
            self._message(line, at, events)
            return
        self._rule = False
        key, rest = numbered[1], numbered[2]
        vertex = self._vertexes.get(key)
        self._printed = key if key != b"0" else self._printed
        if vertex is None:
            self._new(key, rest, at, events)
        elif rest == vertex.name:
            pass  # headed again
        elif rest == b"CACHED":
            vertex.cached = True
            self._end(key, "hit", at, events, seconds=None if vertex.pull.seen else 0.0)
        elif rest.startswith(b"DONE"):
            done = _DONE.match(rest)
            if done:
                seconds = float(done[1]) if done[1] else None
                self._end(key, _ended_well(vertex), at, events, seconds)
        elif rest == b"CANCELED":
            self._end(key, "cancelled", at, events)
        elif rest.startswith(b"ERROR: "):
            self._end(key, "failed", at, events, error=text_of(rest[7:]))
        else:
            self._status(key, rest, at, events)

    def _new(self, key: bytes, rest: bytes, at: float, events: list[Event]) -> None:
        """The first line of a vertex: its header, unless the beginning of the output is missing."""
        known = (b"CACHED", b"DONE", b"CANCELED", b"ERROR: ", b"...", b"WARN: ")
        if key == b"0" or rest.startswith(known) or len(self._vertexes) >= MAX_VERTEXES:
            self._message(b"#%s %s" % (key, rest), at, events)
            return
        self._vertexes[key] = _Vertex(rest[:MAX_NAME], at)
        events.append(Started(key.decode(), text_of(rest, MAX_NAME), at))

    def _status(self, key: bytes, rest: bytes, at: float, events: list[Event]) -> None:
        """A line about a vertex that is neither header, log nor end."""
        vertex = self._vertexes[key]
        if rest.startswith(b"WARN: "):
            events.append(Message(text_of(rest[6:], MAX_NAME), at, "warning"))
        elif _DIGEST.match(rest):
            self._digests = True
        elif layer := vertex.pull.line(rest):
            if layer[0] and vertex.pull.turns(layer[0], ended=layer[1]):
                events.append(LayerPull(key.decode(), *layer, at))
        elif rest.startswith(b"transferring context: "):
            sent = _SENT.match(rest)
            size = printable_size(sent[1].decode()) if sent else None
            if size is not None and vertex.name.endswith(b"load build context"):
                events.append(ContextSent(size, at))
        elif rest.startswith((b"writing image", b"exporting manifest")):
            image = _IMAGE.match(rest)
            if image:
                events.append(ImageMade(None, image[1].decode(), True, at))

    def _end(
        self,
        key: bytes,
        outcome: Outcome,
        at: float,
        events: list[Event],
        seconds: float | None = None,
        error: str | None = None,
    ) -> None:
        vertex = self._vertexes[key]
        at_least = vertex.pull.longest if seconds is None else seconds
        vertex.started = max(0.0, min(vertex.started, at - at_least))
        events.append(
            Ended(
                key.decode(),
                outcome,
                at,
                max(0.0, at - vertex.started) if seconds is None else seconds,
                "arrival" if seconds is None else "printed",
                started=min(vertex.started, at),
                finished=at,
                error=error or None,
                fetched=vertex.pull.seen,
                fetched_bytes=vertex.pull.bytes,
            )
        )
        vertex.pull.over()
        if outcome in ("failed", "cancelled"):
            vertex.cached, vertex.pull = False, Pull()

    def _message(self, line: bytes, at: float, events: list[Event]) -> None:
        text = text_of(line.rstrip(b"\r\n"), MAX_NAME)
        if not text.strip():
            return
        if text.startswith(("ERROR", "error", "failed to", "executor failed")):
            events.append(Message(text, at, "error"))
        elif text.lstrip().startswith(("WARNING", "WARN", "DEPRECATED")):
            events.append(Message(text, at, "warning"))
        else:
            events.append(Message(text, at))


def _ended_well(vertex: _Vertex) -> Outcome:
    """Whether a vertex that is DONE was a hit, whose layers were pulled, or did its work. It can
    have been called cached when it was at work: if another step failed then (`vertices/rows`)."""
    pulled = vertex.pull.seen and not _FROM.match(vertex.name)
    return "hit" if (vertex.cached or pulled) and not vertex.logged else "done"
