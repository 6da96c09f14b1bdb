"""What the legacy builder prints, as events.

Sources: moby `builder/dockerfile` (`builder.go` printCommand and the loop around it,
`internals.go` probeAndCreate, `dispatchers.go` dispatchTriggeredOnBuild and dispatchRun,
`buildargs.go`), and our lab, 20.10 to 28.5.

A step's header is `Step n/total : INSTRUCTION`. Then ` ---> Using cache` is a hit; ` ---> Running
in <id>` starts a container, whose output follows as it is, unmarked (see `container`); ` --->
<image id>` ends the step. No times are printed: seconds are those between arrivals, of the
header and of the image id, or of the next header where there is no image (ARG before FROM).

FROM's ONBUILD triggers print no header: those that hit, or start a container, show; a COPY or
ADD that misses shows nothing, and its time is counted with what showed before it.
"""

from __future__ import annotations

import re

from cachetui.builders.container_output import RED, RESET, ContainerOutput
from cachetui.builders.events import (
    ContainerStarted,
    ContextSent,
    Ended,
    Event,
    ImageMade,
    Log,
    Message,
    Outcome,
    Started,
    Triggers,
)
from cachetui.builders.line_buffer import MAX_ERROR, MAX_LINE, MAX_NAME, printable_size, text_of

_STEP = re.compile(rb"Step (\d{1,9})/(\d{1,9}) : (.*)", re.DOTALL)
_RUNNING = re.compile(rb" ---> Running in ([0-9a-f]{12})\s*\Z")
_IMAGE = re.compile(rb" ---> ([0-9a-f]{12})\s*\Z")
_BUILT = re.compile(rb"Successfully built ((?:sha256:)?[0-9a-f]{12,64})\s*\Z")
_TRIGGERS = re.compile(rb"# Executing (\d{1,9}) build triggers?\s*\Z")
_CONTEXT = re.compile(rb"Sending build context to Docker daemon\s+([0-9.]+\s?[A-Za-z]+)")
_PULLED = re.compile(rb"[0-9a-f]{12}: Pull complete|Status: Downloaded newer image")
_WARNING = (b"[Warning]", b"[WARNING]", b"DEPRECATED", b"WARNING", b"Note:")
_ERROR = re.compile(
    rb"(?:Error|ERROR|error|failed|invalid|unable|Cannot|denied|COPY|ADD|The command|dockerfile "
    rb"parse|the --|pull access|manifest|unauthorized|unknown|no such|unexpected)|"
    rb"\S+ stage name already used"
)


class LegacyParser:
    """Bytes of a legacy build in, events out. The key of a step is its number, that of a trigger
    `<step>.<k>`, k counting from 0 those that show."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of a line of the builder's without an end
        self._size = 0
        self._container: ContainerOutput | None = None
        self._removed = False  # the trigger at work has had its container removed
        self._number = 0
        self._total = 0
        self._key: str | None = None  # of the step or trigger at work
        self._started = 0.0
        self._hit = False
        self._fetched = False
        self._triggers = 0
        self._shown = 0
        self._trouble = ""
        self._note = ""
        self._built = False

    def feed(self, data: bytes, at: float) -> list[Event]:
        """Take a block of output as it arrived; see `Parser`."""
        events: list[Event] = []
        start = 0
        while start < len(data):
            if self._container is not None:
                log, data, start = self._container.take(data, start)
                if log:
                    events.append(Log(self._key or "0", log, at))
                if start < 0:
                    break
                self._removed = self._container.removed
                self._container = None
            else:
                start = self._builder_output(data, start, at, events)
        return events

    def close(self, at: float) -> list[Event]:
        """The output ended. A step that did not end is `failed` when an error was printed, else
        `cancelled`, with the last line as its error: whether the build failed is its exit
        status's to say. An error after a step's end is the next one's: it has no header then."""
        events: list[Event] = []
        if self._container is not None:
            log, self._trouble = self._container.close()
            if log:
                events.append(Log(self._key or "0", log, at))
            if self._trouble:
                events.append(Message(self._trouble, at, "error"))
            self._note = self._container.last_line
            if self._container.removed and not self._trouble.startswith("The command '"):
                self._over(at, events)
            self._container = None
        elif self._pieces:
            self._line(b"".join(self._pieces), at, events)
            self._pieces.clear()
        if self._built or not self._number:
            return events
        if self._key is None and self._trouble:
            more = self._shown < self._triggers
            key = f"{self._number}.{self._shown}" if more else str(self._number + 1)
            if more or self._number < self._total:
                self._begin(key, "", at, events)
        outcome: Outcome = "failed" if self._trouble else "cancelled"
        self._end(outcome, at, events, self._trouble or self._note)
        return events

    def _builder_output(self, data: bytes, start: int, at: float, events: list[Event]) -> int:
        """Read the builder's line at `start`; returns where it ends."""
        end = data.find(b"\n", start) + 1
        if not end:
            self._pieces.append(data[start:])
            self._size += len(data) - start
            if self._size > MAX_LINE:
                self._message(b"".join(self._pieces), at, events)
                self._pieces.clear()
                self._size = 0
            return len(data)
        line = data[start:end]
        if self._pieces:
            line = b"".join([*self._pieces, line])
            self._pieces.clear()
            self._size = 0
        self._line(line, at, events)
        return end

    def _line(self, line: bytes, at: float, events: list[Event]) -> None:
        if line.startswith(b"\x1b["):  # warnings about the file are red, and end in the next line
            line = line.removeprefix(RED).removeprefix(RESET)
        if line.startswith(b" ---> "):
            known = self._arrow(line, at, events)
        elif line.startswith(b"Step "):
            known = self._header(line, at, events)
        elif line.startswith(b"Successfully "):
            known = self._success(line, at, events)
        elif line.startswith(b"# Executing "):
            known = self._brings_triggers(line, at, events)
        elif line.startswith(b"Sending build context"):
            known = self._context(line, at, events)
        else:
            known = line.startswith(b"Removing intermediate container ")
        if not known:
            self._message(line, at, events)

    def _message(self, line: bytes, at: float, events: list[Event]) -> None:
        text = text_of(line.strip(), MAX_NAME)
        if not text:
            return
        if line.startswith(_WARNING):
            events.append(Message(text, at, "warning"))
            return
        if self._key is not None and _PULLED.match(line):
            self._fetched = True
        if _ERROR.match(line):
            if self._removed and not text.startswith("The command '"):
                self._over(at, events)  # that trigger ended well, another did not
            self._trouble = f"{self._trouble}\n{text}".strip()[:MAX_ERROR]
            events.append(Message(text, at, "error"))
        else:
            self._note = text[:MAX_ERROR]
            events.append(Message(text, at))

    def _header(self, line: bytes, at: float, events: list[Event]) -> bool:
        step = _STEP.match(line)
        if step is None:
            return False
        number, total = int(step[1]), int(step[2])
        # Nothing but the order tells a header from a line of the same form.
        if number != self._number + 1 or number > total or self._total not in (0, total):
            return False
        self._over(at, events)
        self._number, self._total = number, total
        self._triggers = self._shown = 0
        self._trouble = self._note = ""
        self._begin(str(number), text_of(step[3].rstrip(b"\r\n"), MAX_NAME), at, events)
        return True

    def _arrow(self, line: bytes, at: float, events: list[Event]) -> bool:
        """A ` ---> ` line; False when it is none of the known ones."""
        if not self._number or self._built:
            return False
        if line.startswith(b" ---> Removed intermediate container "):
            return True
        if self._removed and self._in_trigger:
            self._over(at, events)
        if line.startswith(b" ---> Using cache"):
            self._trigger(at, events)
            self._hit = True
            if self._in_trigger:
                self._over(at, events)
            return True
        running = _RUNNING.match(line)
        if running:
            self._trigger(at, events)
            if self._key is not None:
                events.append(ContainerStarted(self._key, running[1].decode(), at))
            self._container = ContainerOutput(running[1], self._number, self._total)
            return True
        image = _IMAGE.match(line)
        if image:
            self._over(at, events)
            self._shown = self._triggers
            events.append(ImageMade(str(self._number), image[1].decode(), False, at))
        return image is not None

    def _success(self, line: bytes, at: float, events: list[Event]) -> bool:
        built = _BUILT.match(line)
        if built is None or not self._number or self._number != self._total or self._built:
            return False
        self._over(at, events)
        self._built = True
        events.append(ImageMade(None, built[1].decode(), True, at))
        return True

    def _brings_triggers(self, line: bytes, at: float, events: list[Event]) -> bool:
        count = _TRIGGERS.match(line)
        if count is None or self._key is None or self._triggers:
            return False
        self._triggers = int(count[1])
        events.append(Triggers(self._key, self._triggers, at))
        return True

    def _context(self, line: bytes, at: float, events: list[Event]) -> bool:
        sizes = _CONTEXT.findall(line)
        size = printable_size(sizes[-1].decode()) if sizes else None
        if size is not None:
            events.append(ContextSent(size, at))
        return size is not None

    @property
    def _in_trigger(self) -> bool:
        return self._key is not None and "." in self._key

    def _trigger(self, at: float, events: list[Event]) -> None:
        """The next of FROM's ONBUILD triggers shows; nothing in any other step."""
        if self._shown < self._triggers:
            self._over(at, events)
            name = f"ONBUILD {self._shown + 1}/{self._triggers}"
            self._begin(f"{self._number}.{self._shown}", name, at, events)
            self._shown += 1

    def _begin(self, key: str, name: str, at: float, events: list[Event]) -> None:
        self._key = key
        self._started = at
        self._hit = self._fetched = self._removed = False
        events.append(Started(key, name, at))

    def _over(self, at: float, events: list[Event]) -> None:
        """The step or trigger at work, if any, ended well."""
        self._end("hit" if self._hit else "done", at, events)

    def _end(self, outcome: Outcome, at: float, events: list[Event], error: str = "") -> None:
        key, self._key = self._key, None
        self._removed = False
        if key is None:
            return
        finished = max(at, self._started)
        events.append(
            Ended(
                key,
                outcome,
                at,
                finished - self._started,
                "arrival",
                started=self._started,
                finished=finished,
                error=error or None,
                fetched=self._fetched,
            )
        )
