"""What the parsers of a build's output say, as it arrives. Pure values.

A parser knows its backend's output and nothing of the Dockerfile; `builders/step_map.py` maps
what it says to the Dockerfile's instructions. `key` is the backend's own name for a step or
vertex within one run: the step number of the legacy builder, the `#N` of plain output, the
vertex digest of rawjson. `at` and `started`/`finished` are seconds since the run began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from cachetui.records.step import Timing

Outcome = Literal["hit", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Started:
    """A step or vertex was named. It can be named again: the first `at` holds."""

    key: str
    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Triggers:
    """The base image of a FROM brings `count` ONBUILD triggers (legacy only: it says so).

    Those that show have keys `<key>.<k>`, k counting from 0.
    """

    key: str
    count: int
    at: float


@dataclass(frozen=True, slots=True)
class Log:
    """A piece of the step's own log, as the build wrote it (with its newline, if it had one)."""

    key: str
    data: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The step ended. It can end again: the last holds.

    `seconds` is the time it was at work; `started` and `finished` bound it. `fetched` is true
    when it pulled or extracted layers: of a FROM's image that was not there, or, at a hit, of an
    imported cache. `fetched_bytes` is how much was transferred, None where it is not said.
    """

    key: str
    outcome: Outcome
    at: float
    seconds: float | None
    timing: Timing
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    fetched: bool = False
    fetched_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class LayerPull:
    """A layer's download for a step or vertex began, or with `ended` came to an end: see `Pull`.

    What is open when the vertex ends has ended too.
    """

    key: str
    layer: str
    ended: bool
    at: float


@dataclass(frozen=True, slots=True)
class ContextSent:
    """The build context as the client said it sent it, in bytes."""

    bytes: int
    at: float


@dataclass(frozen=True, slots=True)
class ImageMade:
    """An image ID printed by the build: of a step (legacy) or of the result."""

    key: str | None
    id: str
    final: bool
    at: float


@dataclass(frozen=True, slots=True)
class ContainerStarted:
    """A container was started for a step (legacy only); `id` has twelve hex digits."""

    key: str
    id: str
    at: float


@dataclass(frozen=True, slots=True)
class Message:
    """A line that belongs to no step: warnings, errors, anything unknown. Kept, never an error."""

    text: str
    at: float
    level: Literal["info", "warning", "error"] = "info"


Event = (
    Started
    | Triggers
    | Log
    | Ended
    | LayerPull
    | ContextSent
    | ImageMade
    | ContainerStarted
    | Message
)


class Parser(Protocol):
    """Bytes and arrival times in, events out; no I/O, bounded memory, linear time."""

    def feed(self, data: bytes, at: float) -> Iterable[Event]:
        """Take a block of output as it arrived, cut anywhere."""
        ...

    def close(self, at: float) -> Iterable[Event]:
        """The output ended: say what an unfinished line or step still has to say."""
        ...
