"""Frozen snapshots of an audit's progress, for whoever shows it."""

from __future__ import annotations

from typing import Literal

import msgspec

from cachetui.records.host import HostFacts

CellState = Literal[
    "queued",
    "building",
    "done",
    "stored",
    "failed",
    "unsupported",
    "unreachable",
    "cancelled",
    "skipped",
]
HostState = Literal[
    "queued",
    "connecting",
    "asking",
    "waiting",
    "sending",
    "building",
    "reading",
    "cleaning",
    "done",
    "unreachable",
    "failed",
    "cancelled",
]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario on one host, repeat `repeat` (from 1).

    While it builds, `step` of `steps` instructions have ended or begun and `doing` is the
    instruction at work. `seconds` is the time so far, then the run's. `age` is the seconds
    since a `stored` run was made. `run` is the run's id once it ended, `expected` the seconds
    that the last stored run of the same took.
    """

    host: str
    scenario: str
    repeat: int
    state: CellState
    step: int = 0
    steps: int = 0
    doing: str = ""
    hits: int = 0
    misses: int = 0
    seconds: float | None = None
    expected: float | None = None
    age: float | None = None
    reason: str | None = None
    run: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.host, self.scenario, self.repeat)


class HostProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A host: what it is doing, and why it cannot. `sent` of `to_send` bytes of context."""

    name: str
    state: HostState
    facts: HostFacts | None = None
    reason: str | None = None
    remedy: str | None = None
    sent: int = 0
    to_send: int = 0


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of an audit at one moment. `elapsed` and `remaining` in seconds; `remaining` is
    estimated from stored runs, None where there are none. `trouble` says why this machine cannot
    keep the results."""

    audit: str
    build: str
    scenarios: tuple[str, ...]
    repeats: int
    hosts: tuple[HostProgress, ...]
    cells: tuple[Cell, ...]
    elapsed: float
    remaining: float | None = None
    finished: bool = False
    stopping: bool = False
    notes: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def done(self) -> int:
        """How many cells have ended, whatever way."""
        return sum(cell.state not in ("queued", "building") for cell in self.cells)
