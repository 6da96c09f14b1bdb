"""A host's load at the moment when a build begins: the first line that its command prints, so that
no command of its own asks for it."""

from __future__ import annotations

from contextlib import suppress

from cachetui.hosts.machine import OnOutput

_MARK = b"cachetui-load "
_MOST = 200
"""Bytes that are waited for at most: a first line without an end is the build's."""


def telling_load(command: str) -> str:
    """Shell text that tells the 1-minute load average, and runs `command`."""
    read = "{ read -r _load _ </proc/loadavg; } 2>/dev/null"
    return f'_load=; {read}; echo "{_MARK.decode()}$_load"\n{command}'


class LoadLine:
    """Passes on the output of a command of `telling_load` without that line; `load` is what it
    told, None for what is no number."""

    def __init__(self, on_output: OnOutput) -> None:
        self.load: float | None = None
        self._held: bytes | None = b""
        self._on_output: OnOutput = on_output

    def output(self, data: bytes, arrived: float) -> None:
        """A block of output, as `OnOutput`."""
        if self._held is not None:
            data, self._held = self._held + data, None
            line, ended, rest = data.partition(b"\n")
            if line.startswith(_MARK) and ended:
                data = rest
                with suppress(ValueError):
                    self.load = float(line.removeprefix(_MARK))
            elif not ended and len(data) < _MOST and _may_be(data):
                self._held = data
                return
        if data:
            self._on_output(data, arrived)

    def close(self, arrived: float) -> None:
        """The output ended."""
        if self._held:
            self._on_output(self._held, arrived)
        self._held = None


def _may_be(data: bytes) -> bool:
    return data.startswith(_MARK) or _MARK.startswith(data)
