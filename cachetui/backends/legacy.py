"""What the legacy builder prints, as events.

Sources: moby `builder/dockerfile` (`builder.go` printCommand and the loop around it,
`internals.go` probeAndCreate, `containerbackend.go` RemoveAll, `dispatchers.go`
dispatchTriggeredOnBuild and dispatchRun, `buildargs.go`), and our lab, 20.10 to 28.5.

A step's header is `Step n/total : INSTRUCTION`. Then ` ---> Using cache` is a hit; ` ---> Running
in <id>` starts a container, whose output follows as it is, unmarked; ` ---> <image id>` ends
the step. No times are printed: seconds are those between the arrivals of two headers.

**Telling a RUN's own output from the builder's.** While a container runs, only these are taken
for the builder's words:

* `Removing intermediate container <id>` (` ---> Removed …` since 25.0) with the very id, followed
  by ` ---> `, by the error below or by the end of the output;
* without `--rm`: `Step n+1/total : ` right after a line that ends in ` ---> <12 hex digits>`, or,
  in the last step, `Successfully built <id>` right after it;
* as the very last thing, `The command '…' returned a non-zero code: n`.

A container that prints its own id (its hostname) in the first form, followed by ` ---> `, or
both lines of the second, cannot be told from the builder. It can spoil the times and logs of
its own build's steps, not their number: headers count only in their order.
"""

from __future__ import annotations

import re

from cachetui.backends.events import (
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
from cachetui.backends.lines import MAX_ERROR, MAX_NAME, LineBuffer, printable_size, text_of

_STEP = re.compile(rb"Step (\d{1,9})/(\d{1,9}) : (.*)", re.DOTALL)
_RUNNING = re.compile(rb" ---> Running in ([0-9a-f]{12})\s*\Z")
_IMAGE = re.compile(rb" ---> ([0-9a-f]{12})\s*\Z")
_IMAGE_END = re.compile(rb" ---> [0-9a-f]{12}\n\Z")
_BUILT = re.compile(rb"Successfully built ((?:sha256:)?[0-9a-f]{12,64})\s*\Z")
_TRIGGERS = re.compile(rb"# Executing (\d{1,9}) build triggers?\s*\Z")
_CONTEXT = re.compile(rb"Sending build context to Docker daemon\s+([0-9.]+\s?[A-Za-z]+)")
_EXIT = re.compile(rb"The command '.*' returned a non-zero code: \d+(?:: .*)?\n?\Z", re.DOTALL)
_REMOVED = (b" ---> Removed", b"Removing")
_PULLING = re.compile(rb".*: Pulling from \S|Unable to find image|Pulling repository ")
_PULL_LINE = re.compile(
    rb"[0-9a-f]{12}: |Digest: sha256:|Status: (?:Downloaded|Image is up to date)"
)
_ERROR = re.compile(
    rb"(?:Error|ERROR|error|failed|invalid|unable|Cannot|denied|COPY|ADD|The command|dockerfile "
    rb"parse|the --|pull access|manifest|unauthorized|unknown|no such|unexpected)"
)
_ERROR_TAIL = 32 * 1024
"""Bytes of a possible last error that are held back in a container's output."""


class LegacyParser:
    """Bytes of a legacy build in, events out; the key of a step is its number.

    ONBUILD triggers print no header, so their keys are `<step>.<k>`, k counting from 0 those
    that show (a hit, or a container); a COPY trigger that missed shows nothing.
    """

    def __init__(self) -> None:
        self._lines = LineBuffer()
        self._held = b""  # of a container's output: what may be the start of the builder's words
        self._container: bytes = b""
        self._tail = b"\n"  # the last bytes given out of the container's output
        self._number = 0
        self._total = 0
        self._key: str | None = None
        self._step_key: str | None = None
        self._started = self._step_started = 0.0
        self._hit = False
        self._fetched = False
        self._triggers = 0
        self._shown = 0
        self._trouble = ""
        self._built = False

    def feed(self, data: bytes, at: float) -> list[Event]:
        """Take a block of output as it arrived; see `Parser`."""
        events: list[Event] = []
        while data:
            if self._container:
                data = self._container_output(data, at, events)
            else:
                data = self._builder_output(data, at, events)
        return events

    def close(self, at: float) -> list[Event]:
        """The output ended. A step that did not end is `failed` when an error was printed,
        else `cancelled`: whether the build failed is its exit status's to say."""
        events: list[Event] = []
        if self._container:
            rest, self._held = self._held, b""
            found = rest.rfind(b"The command '")
            if found >= 0 and _EXIT.search(rest, found):
                self._log(rest[:found], at, events)
                self._trouble = text_of(rest[found:].strip())
                events.append(Message(self._trouble, at, "error"))
            elif rest.endswith(self._removal) and rest[: -len(self._removal)].endswith(_REMOVED):
                self._log(rest[: -len(self._removal)].removesuffix(b"Removing"), at, events)
            else:
                self._log(rest, at, events)
        else:
            rest = self._lines.rest()
            if rest:
                self._line(rest, at, events)
        if self._key is not None and not self._built:
            if self._key != self._step_key:
                self._end(events, at, "failed" if self._trouble else "cancelled", self._trouble)
                self._key, self._started = self._step_key, self._step_started
            self._end(events, at, "failed" if self._trouble else "cancelled", self._trouble)
        self._key = None
        self._container = b""
        return events

    # While a container runs

    @property
    def _removal(self) -> bytes:
        return b" intermediate container " + self._container + b"\n"

    def _container_output(self, data: bytes, at: float, events: list[Event]) -> bytes:
        """Give out the container's own output; returns what follows it, b"" while it runs."""
        data = self._held + data
        self._held = b""
        end = self._builder_speaks(data)
        if end is not None:
            self._log(data[:end], at, events)
            self._container = b""
            return data[end:]
        keep = self._may_be_builder(data)
        self._log(data[:keep], at, events)
        self._held = data[keep:]
        return b""

    def _builder_speaks(self, data: bytes) -> int | None:
        """Where the builder's words begin, None when they do not."""
        removal = self._removal
        found = data.find(removal)
        while found >= 0:
            after = found + len(removal)
            if data.startswith((b" ---> ", b"The command '"), after):
                for word in _REMOVED:
                    if data.endswith(word, 0, found):
                        return found - len(word)
            found = data.find(removal, after)
        if self._number < self._total:
            mark = b"Step %d/%d : " % (self._number + 1, self._total)
        else:
            mark = b"Successfully built "
        found = data.find(mark)
        while found >= 0:
            before = _IMAGE_END.search(self._tail + data[max(0, found - 32) : found])
            if before:
                return max(0, found - len(before.group()))
            found = data.find(mark, found + len(mark))
        return None

    def _may_be_builder(self, data: bytes) -> int:
        """From where on the data may yet turn out to be the builder's words."""
        size = len(data)
        removal = self._removal
        keep = size
        # The removal line stands at the very end, or its beginning does.
        last = data.rfind(b"\n", 0, size - 1) + 1
        near = max(last, size - len(removal) - 16, 0)
        if data.endswith(b"\n"):
            if data.endswith(removal):
                keep = max(0, size - len(removal) - len(_REMOVED[0]))
            elif _IMAGE_END.search(data, max(0, size - 24)):
                keep = max(0, size - 19)
        else:
            keep = near
            found = data.rfind(removal, max(0, size - len(removal) - 32))
            if found >= 0:
                keep = min(keep, max(0, found - len(_REMOVED[0])))
            image = data.rfind(b" ---> ", max(0, size - 64))
            if image >= 0:
                keep = min(keep, image)
        error = data.rfind(b"The command '", max(0, size - _ERROR_TAIL))
        if error >= 0 and (b"\n" not in data[error:] or _EXIT.match(data, error)):
            keep = min(keep, error)
        return keep

    def _log(self, data: bytes, at: float, events: list[Event]) -> None:
        if data:
            self._tail = data[-32:]
            events.append(Log(self._key or "0", data, at))

    # Between containers

    def _builder_output(self, data: bytes, at: float, events: list[Event]) -> bytes:
        """Read whole lines; returns what is left when a container starts, else b""."""
        whole = self._lines.push(data)
        start = 0
        while start < len(whole):
            end = whole.find(b"\n", start) + 1 or len(whole)
            self._line(whole[start:end], at, events)
            start = end
            if self._container:
                return whole[start:] + self._lines.rest()
        return b""

    def _line(self, line: bytes, at: float, events: list[Event]) -> None:
        if line.startswith(b"Step "):
            step = _STEP.match(line)
            if step and self._is_next(int(step[1]), int(step[2])):
                self._step(step, at, events)
                return
        elif line.startswith(b" ---> "):
            if self._arrow(line, at, events):
                return
        elif line.startswith(b"Successfully "):
            built = _BUILT.match(line)
            if built and self._key is not None and self._number == self._total:
                self._finish(at, events)
                self._built = True
                events.append(ImageMade(None, built[1].decode(), True, at))
                return
        elif line.startswith(b"# Executing "):
            triggers = _TRIGGERS.match(line)
            if triggers and self._key is not None and not self._triggers:
                self._triggers = int(triggers[1])
                events.append(Triggers(self._key, self._triggers, at))
                return
        elif line.startswith(b"Removing intermediate container "):
            return
        elif line.startswith(b"Sending build context"):
            sizes = _CONTEXT.findall(line)
            size = printable_size(sizes[-1].decode()) if sizes else None
            if size is not None:
                events.append(ContextSent(size, at))
                return
        self._message(line, at, events)

    def _message(self, line: bytes, at: float, events: list[Event]) -> None:
        text = text_of(line.strip(), MAX_NAME)
        if not text:
            return
        pulling = _PULLING.match(line) or _PULL_LINE.match(line)
        if pulling and self._key is not None and not self._hit:
            self._fetched = True
        if line.startswith((b"[Warning]", b"[WARNING]", b"DEPRECATED", b"WARNING", b"Note:")):
            events.append(Message(text, at, "warning"))
        elif _ERROR.match(line):
            if self._key is not None and not self._built:
                self._trouble = f"{self._trouble}\n{text}".strip()[:MAX_ERROR]
            events.append(Message(text, at, "error"))
        else:
            events.append(Message(text, at))

    def _is_next(self, number: int, total: int) -> bool:
        if self._number == 0:
            return number == 1 and total >= 1
        return number == self._number + 1 and total == self._total and number <= total

    def _step(self, step: re.Match[bytes], at: float, events: list[Event]) -> None:
        self._finish(at, events)
        self._number, self._total = int(step[1]), int(step[2])
        self._key = self._step_key = str(self._number)
        self._started = self._step_started = at
        self._hit = self._fetched = False
        self._triggers = self._shown = 0
        self._trouble = ""
        events.append(Started(self._key, text_of(step[3].rstrip(b"\r\n"), MAX_NAME), at))

    def _arrow(self, line: bytes, at: float, events: list[Event]) -> bool:
        """A ` ---> ` line; False when it is none of the known ones."""
        if self._key is None:
            return False
        if line.startswith(b" ---> Using cache"):
            self._trigger(at, events)
            self._hit = True
            return True
        running = _RUNNING.match(line)
        if running:
            self._trigger(at, events)
            self._container = running[1]
            self._tail = b"\n"
            return True
        image = _IMAGE.match(line)
        if image:
            if self._key != self._step_key:
                self._end(events, at, "hit" if self._hit else "done")
                self._key, self._started = self._step_key, self._step_started
                self._hit = False
            events.append(ImageMade(self._key, image[1].decode(), False, at))
            return True
        return line.startswith(b" ---> Removed intermediate container ")

    def _trigger(self, at: float, events: list[Event]) -> None:
        """Of FROM's ONBUILD triggers, the next one shows."""
        if self._shown >= self._triggers or self._step_key is None:
            return
        if self._key != self._step_key:
            self._end(events, at, "hit" if self._hit else "done")
        self._key = f"{self._step_key}.{self._shown}"
        self._shown += 1
        self._started = at
        self._hit = False
        events.append(Started(self._key, f"ONBUILD {self._shown}/{self._triggers}", at))

    def _finish(self, at: float, events: list[Event]) -> None:
        """The step at work is over, well."""
        if self._key is None:
            return
        if self._key != self._step_key:
            self._end(events, at, "hit" if self._hit else "done")
            self._key, self._started = self._step_key, self._step_started
            self._hit = False
        self._end(events, at, "hit" if self._hit else "done")

    def _end(self, events: list[Event], at: float, outcome: Outcome, error: str = "") -> None:
        if self._key is None:
            return
        events.append(
            Ended(
                self._key,
                outcome,
                at,
                max(0.0, at - self._started),
                "arrival",
                started=self._started,
                finished=max(at, self._started),
                error=error or None,
                fetched=self._fetched,
            )
        )
