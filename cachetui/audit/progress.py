"""Frozen snapshots of an audit's progress, for whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from cachetui.records.host import HostFacts
from cachetui.records.step import Step

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

    `steps` is how many steps the target has, 0 while that is not known. While it builds, `step`
    of them have ended and `doing` is the instruction at work; then see `steps_of`. `seconds` is
    the time so far, then the run's. `age` is the seconds since a `stored` run was made. `run` is
    the run's id once it ended, `expected` the seconds that the last stored run of the same host
    and scenario took.
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


def steps_of(steps: Sequence[Step]) -> tuple[int, int]:
    """How far a run came, and how many steps its target has: up to the step that failed, else all
    that ended."""
    needed = [step for step in steps if step.status != "not-needed"]
    failed = next((n for n, step in enumerate(needed, 1) if step.status == "failed"), None)
    ended = sum(step.status in ("hit", "miss") for step in needed)
    return (ended if failed is None else failed), len(needed)


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
    estimated from stored runs, None where it is not known. `trouble` says why this machine cannot
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
        """How many of `total` have ended, whatever way."""
        return sum(cell.state not in ("queued", "building", "skipped") for cell in self.cells)

    @property
    def total(self) -> int:
        """How many runs there are to make: a cell that is skipped is none."""
        return sum(cell.state != "skipped" for cell in self.cells)
