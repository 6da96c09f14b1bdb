"""A container's own output within a legacy build, told from the builder's words that end it.

Sources: moby `builder/dockerfile/containerbackend.go` (Run, RemoveAll), `dispatchers.go`
(dispatchRun), `pkg/streamformatter` (standard error is wrapped in bright red); our lab.

While a container runs, only these are taken for the builder's words:

* `Removing intermediate container <id>` (` ---> Removed …` since 25.0) with the very id, followed
  by ` ---> `, by the error below or by the end of the output;
* without `--rm`: `Step n+1/total : ` right after a line that ends in ` ---> <12 hex digits>`, or,
  in the last step, `Successfully built <id>` right after it;
* as the very last thing, `The command '…' returned a non-zero code: n`.

A container that prints its own id (its hostname) in the first form, followed by ` ---> `, or both
lines of the second, cannot be told from the builder. It can spoil the times and logs of its own
build's steps, not their number: headers count only in their order.
"""

from __future__ import annotations

import re

from cachetui.builders.line_buffer import MAX_ERROR, text_of

_IMAGE_END = re.compile(rb" ---> [0-9a-f]{12}\n\Z")
_EXIT = re.compile(rb"The command '.*' returned a non-zero code: \d+(?:: .*)?\n?\Z", re.DOTALL)
_COMMAND = b"The command '"
_REMOVED = (b" ---> Removed", b"Removing")
RED, RESET = b"\x1b[91m", b"\x1b[0m"
_ERROR_TAIL = 32 * 1024
"""Bytes of a possible last error that are held back."""


class ContainerOutput:
    """The output of the container `id`, in the step `number` of `total`."""

    def __init__(self, container: bytes, number: int, total: int) -> None:
        self._removal = b" intermediate container " + container + b"\n"
        self._next = b"Step %d/%d : " % (number + 1, total)
        if number >= total:
            self._next = b"Successfully built "
        self._held = b""  # what may turn out to be the start of the builder's words
        self._tail = b"\n"  # the last bytes that were given out
        self._red = False
        self.removed = False

    def take(self, data: bytes, start: int) -> tuple[bytes, bytes, int]:
        """Take what came: the container's output in it, and where the builder's words begin.

        Returns that output, the data in which they are, and their place in it, -1 while the
        container runs.
        """
        if self._held:
            data, start = self._held + data[start:], 0
            self._held = b""
        end = self._builder_speaks(data, start)
        if end >= 0:
            return self._given(data[start:end]), data, end
        keep = self._may_be_builder(data, start)
        self._held = data[keep:]
        return self._given(data[start:keep]), data, -1

    def close(self) -> tuple[bytes, str]:
        """The output ended: the rest of the container's, and the error that ended the step, ""
        where none was told."""
        rest, self._held = self._held, b""
        begins = rest.rfind(_COMMAND)
        if begins >= 0 and _EXIT.match(rest, begins):
            return self._given(rest[:begins]), text_of(rest[begins:].strip())
        if rest.endswith(self._removal):
            begins = self._word_before(rest, len(rest) - len(self._removal))
            if begins >= 0:
                self.removed = True
                return self._given(rest[:begins]), ""
        rest = self._given(rest)
        removal = self._tail.rfind(self._removal)
        if removal >= 0:
            # After the removal came neither the next step nor a command's error.
            self.removed = True
            return rest, text_of(self._tail[removal + len(self._removal) :].strip())
        return rest, ""

    @property
    def last_line(self) -> str:
        """The last line that was given out, "" if there is none."""
        lines = self._tail.strip().splitlines()
        return text_of(lines[-1].strip(), MAX_ERROR) if lines else ""

    def _builder_speaks(self, data: bytes, start: int) -> int:
        place = data.find(self._removal, start)
        while place >= 0:
            after = place + len(self._removal)
            if data.startswith((b" ---> ", _COMMAND), after):
                begins = self._word_before(data, place, start)
                if begins >= 0:
                    self.removed = True
                    return begins
            place = data.find(self._removal, after)
        place = data.find(self._next, start)
        while place >= 0:
            before = data[max(start, place - 32) : place]
            image = _IMAGE_END.search(before)
            if image:
                return place - len(image.group())
            place = data.find(self._next, place + len(self._next))
        return -1

    def _word_before(self, data: bytes, end: int, start: int = 0) -> int:
        """Where the removal's first word begins that ends at `end`, -1 without one."""
        for word in _REMOVED:
            if data.endswith(word, start, end):
                return end - len(word)
        return -1

    def _may_be_builder(self, data: bytes, start: int) -> int:
        """From where on the data may yet turn out to be the builder's words."""
        size = len(data)
        # An image's line and the next header's start, or a removal and what follows it.
        longest = max(19 + len(self._next), len(_REMOVED[0]) + len(self._removal) + len(_COMMAND))
        keep = max(start, size - longest)
        error = data.rfind(_COMMAND, max(start, size - _ERROR_TAIL))
        if error >= 0 and (b"\n" not in data[error:] or _EXIT.match(data, error)):
            keep = min(keep, error)
        colour = data.rfind(b"\x1b", max(start, keep - 4), keep)
        return keep if colour < 0 else colour

    def _given(self, data: bytes) -> bytes:
        """The bytes as the container wrote them: standard error comes wrapped in red."""
        before = self._tail
        if data:
            self._tail = data[-4096:] if len(data) >= 4096 else (before + data)[-4096:]
        if self._red or RED in data:
            self._red = True
            data = data.replace(RED, b"").replace(b"\n" + RESET, b"\n")
            if before.endswith(b"\n"):
                data = data.removeprefix(RESET)
        return data
