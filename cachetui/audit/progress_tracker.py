"""The progress of an audit, in one place: worker threads write, snapshots are read.

Watchers are called from a thread of the tracker's own, at most ten times a second, however fast
the builds print.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from cachetui.audit.expected_seconds import Expected
from cachetui.audit.plan import Plan
from cachetui.audit.progress import Cell, CellState, HostProgress, Snapshot

INTERVAL = 0.1
"""Seconds between two calls of a watcher, at least."""

Key = tuple[str, str, int]
"""Host, scenario, repeat (from 1)."""


class ProgressTracker:
    """The cells and hosts of one audit. Any thread may call any method."""

    def __init__(self, audit: str, build: str, plan: Plan, hosts: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._audit, self._build, self._plan = audit, build, plan
        self._hosts = {name: HostProgress(name=name, state="queued") for name in hosts}
        self._cells: dict[Key, Cell] = {}
        for name in hosts:
            for planned in plan.order:
                key = (name, planned.scenario, planned.repeat)
                self._cells[key] = Cell(
                    host=name, scenario=planned.scenario, repeat=planned.repeat, state="queued"
                )
        self._building_since: dict[Key, float] = {}
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._stopping = False
        self._notes: tuple[str, ...] = plan.notes
        self._trouble: str | None = None
        self._changed = threading.Event()
        self._watchers: list[Callable[[Snapshot], None]] = []
        self._notifier: threading.Thread | None = None

    def update_host(self, name: str, **changes: Any) -> None:
        """Change fields of a host's `HostProgress`."""
        with self._lock:
            self._hosts[name] = msgspec.structs.replace(self._hosts[name], **changes)
        self._changed.set()

    def update_cell(self, key: Key, **changes: Any) -> None:
        """Change fields of a `Cell`; one that begins to build gets a running clock."""
        with self._lock:
            cell = msgspec.structs.replace(self._cells[key], **changes)
            self._cells[key] = cell
            if cell.state == "building":
                self._building_since.setdefault(key, time.monotonic())
            else:
                self._building_since.pop(key, None)
        self._changed.set()

    def expect(self, seconds: Expected) -> None:
        """How long runs are likely to take, by host and scenario."""
        with self._lock:
            for key, cell in self._cells.items():
                known = seconds.get(key[:2], cell.expected)
                self._cells[key] = msgspec.structs.replace(cell, expected=known)

    def end_remaining(self, host: str, state: CellState, reason: str | None) -> None:
        """Give the same final state to all cells of a host that have not ended."""
        with self._lock:
            for key, cell in self._cells.items():
                if key[0] == host and cell.state in ("queued", "building"):
                    self._cells[key] = msgspec.structs.replace(cell, state=state, reason=reason)
                    self._building_since.pop(key, None)
        self._changed.set()

    def requeue(self, keys: Sequence[Key]) -> None:
        """Queue cells again, as if they had not run."""
        with self._lock:
            for key in keys:
                old = self._cells[key]
                self._cells[key] = Cell(
                    host=old.host,
                    scenario=old.scenario,
                    repeat=old.repeat,
                    state="queued",
                    steps=old.steps,
                    expected=old.expected,
                )
            if self._ended is not None:  # what was waited since then is no time of the audit's
                self._begun += time.monotonic() - self._ended
            self._ended = None
            self._stopping = False
        self._start_notifier()

    def add_note(self, text: str) -> None:
        """Add a sentence to the audit's notes, once."""
        with self._lock:
            if text not in self._notes:
                self._notes = (*self._notes, text)
        self._changed.set()

    def not_kept(self, text: str | None) -> None:
        """Why this machine cannot keep the results: a note, too. None: the audit begins again."""
        self._trouble = text
        if text is not None:
            self.add_note(text)

    def mark_stopping(self) -> None:
        """The user has stopped the audit; its hosts have not ended yet."""
        with self._lock:
            self._stopping = True
        self._changed.set()

    def finish(self) -> None:
        """Mark the audit as ended; watchers get one last snapshot."""
        with self._lock:
            self._ended = time.monotonic()
        self._changed.set()
        self._notify()

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

    def snapshot(self) -> Snapshot:
        """The progress at this moment; `seconds` of cells that build is their time so far."""
        with self._lock:
            now = self._ended or time.monotonic()
            cells = tuple(
                msgspec.structs.replace(cell, seconds=now - self._building_since[key])
                if key in self._building_since
                else cell
                for key, cell in self._cells.items()
            )
            hosts = tuple(self._hosts.values())
            finished = self._ended is not None
        return Snapshot(
            audit=self._audit,
            build=self._build,
            scenarios=self._plan.scenarios,
            repeats=self._plan.repeats,
            hosts=hosts,
            cells=cells,
            elapsed=now - self._begun,
            remaining=None if finished else _remaining(hosts, cells),
            finished=finished,
            stopping=self._stopping,
            notes=self._notes,
            trouble=self._trouble,
        )

    def watch(self, callback: Callable[[Snapshot], None]) -> None:
        """Call `callback` after changes, at most ten times a second, from another thread."""
        self._watchers.append(callback)
        self._start_notifier()

    def _start_notifier(self) -> None:
        with self._lock:
            if self._watchers and self._ended is None and self._notifier is None:
                self._notifier = threading.Thread(
                    target=self._notify_loop, name="audit-progress", daemon=True
                )
                self._notifier.start()
        self._changed.set()

    def _notify_loop(self) -> None:
        while True:
            self._changed.wait(1.0)
            self._changed.clear()
            with self._lock:
                if self._ended is not None:
                    self._notifier = None
                    return
            self._notify()
            time.sleep(INTERVAL)

    def _notify(self) -> None:
        snapshot = self.snapshot()
        for callback in list(self._watchers):
            with suppress(Exception):  # a watcher that is gone must not stop the others
                callback(snapshot)


_NOT_ASKED = ("queued", "connecting", "asking", "waiting")
"""States of a host of which it is not known yet which runs it is to make, or from when."""


def _remaining(hosts: Sequence[HostProgress], cells: Sequence[Cell]) -> float | None:
    """Seconds left, from stored runs: hosts work side by side, a host's runs follow each other.
    None when a cell that is still to run has no stored run to go by, takes longer than that, or
    is of a host that is not at work yet."""
    not_asked = {host.name for host in hosts if host.state in _NOT_ASKED}
    left: dict[str, float] = {}
    for cell in cells:
        if cell.state not in ("queued", "building"):
            continue
        spent = cell.seconds or 0.0
        if cell.expected is None or cell.expected < spent or cell.host in not_asked:
            return None
        left[cell.host] = left.get(cell.host, 0.0) + cell.expected - spent
    return max(left.values(), default=0.0)
