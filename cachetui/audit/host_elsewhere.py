"""One host's part of an audit that another process makes: what that has told of it so far."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from cachetui.audit.host_outcome import HostOutcome
from cachetui.audit.host_progress import HostProgressReporter
from cachetui.audit.keeping import Keeping
from cachetui.audit.progress_tracker import Key, ProgressTracker
from cachetui.audit.task import AuditTask
from cachetui.config.settings import HostSettings
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from cachetui.store.log_piece import LogCopy, LogPiece
from cachetui.store.run_log import RunLog

AGAIN = "run again with -w @failed: what ended is not built again"


class LiveLogs:
    """Copies of the logs of runs under way elsewhere, below `folder`. `ask` asks for what comes
    from a block on."""

    def __init__(self, folder: Path, ask: Callable[[Planned, int], None]) -> None:
        self._folder, self._ask = folder, ask
        self._copies: dict[Planned, LogCopy] = {}

    def log(self, planned: Planned) -> RunLog | None:
        """What there is of one, None before the first answer."""
        copy = self._copies.get(planned)
        self._ask(planned, copy.blocks if copy is not None else 0)
        with suppress(OSError):  # the file is gone
            return copy.so_far() if copy is not None else None
        return None

    def take(self, planned: Planned, piece: LogPiece) -> None:
        """Add to one. Where this machine cannot keep it, it is not seen before its run ends."""
        with suppress(OSError):
            if planned not in self._copies:
                self._copies[planned] = LogCopy(self._folder / f"live-{uuid.uuid4().hex}")
            self._copies[planned].take(piece)


class HostElsewhere:
    """Has the attributes of `HostAudit`. `only` are the planned runs to make, None for all that are
    missing. Once it has `ended`, nothing that comes later counts."""

    def __init__(
        self,
        host: HostSettings,
        only: frozenset[Planned] | None,
        progress: ProgressTracker,
        cancel: threading.Event,
        why_stopped: Callable[[], str],
        on_run: Callable[[Run], None],
    ) -> None:
        self.name, self.host, self.only = host.name, host, only
        self.runs: list[Run] = []
        self.cancel, self.why_stopped = cancel, why_stopped
        self.ended = False
        self.live: LiveLogs | None = None
        self._tracker = progress
        self._progress = HostProgressReporter(progress, host.name)
        self._outcome = HostOutcome(host.name, self._progress, why_stopped)
        self._on_run = on_run

    @property
    def report(self) -> HostReport:
        """What is known of the host so far."""
        return self._outcome.report

    def take_over(self, earlier: HostElsewhere) -> None:
        """Begin with what an earlier go brought."""
        self.runs, self._outcome.report = earlier.runs, earlier.report

    def live_log(self, planned: Planned) -> RunLog | None:
        """The log of a run under way, as far as it has come from where it is audited. Each call
        asks for more."""
        return None if self.ended or self.live is None else self.live.log(planned)

    def take_log(self, planned: Planned, piece: LogPiece) -> None:
        """More of the log of a run under way."""
        if self.live is not None and not self.ended:
            self.live.take(planned, piece)

    def take_report(self, report: HostReport) -> None:
        """What the host's report is now."""
        if not self.ended:
            self._outcome.report = report

    def take_run(self, run: Run) -> None:
        """A run ended, or was taken from the store; it takes the place of one of the same kind."""
        if self.ended:
            return
        same = (run.scenario, run.repeat)
        self.runs = [other for other in self.runs if (other.scenario, other.repeat) != same]
        self.runs.append(run)
        self._on_run(run)

    def take_progress(
        self, host: dict[str, Any], cells: dict[Key, dict[str, Any]], notes: Sequence[str]
    ) -> None:
        """Fields of the host's progress and of its cells that have changed, and new notes."""
        if self.ended:
            return
        self._tracker.update_host(self.name, **host)
        for key, fields in cells.items():
            self._tracker.update_cell(key, **fields)
        for note in notes:
            self._tracker.add_note(note)

    def skip(self) -> None:
        """It was called off before it began."""
        if not self.ended:
            self.ended = True
            self._outcome.ended("skipped", None, self.why_stopped())

    def fail(self, reason: str, remedy: str = AGAIN) -> None:
        """It did not come to its end; what it brought until then stays. Builds under way there
        are ended by the host itself (`hosts.watcher`)."""
        if self.ended:
            return
        self.ended = True
        report = msgspec.structs.replace(
            self.report, status="failed", reason=reason, remedy=remedy or None
        )
        if report.context_there:  # from then on something is there to be removed
            report = msgspec.structs.replace(report, not_asked_since=time.time())
        self._outcome.report = report
        self._progress.host_ended("failed", reason, remedy or None)


class Elsewhere(Protocol):
    """What has hosts audited by other processes."""

    def audit(
        self,
        task: AuditTask,
        hosts: Sequence[HostElsewhere],
        store: Store,
        keeping: Keeping,
        *,
        at_once: int | None,
        on_note: Callable[[str], None],
        on_done: Callable[[], None],
    ) -> None:
        """Have these hosts audited, at most `at_once` together; blocks until each has ended.
        `on_done` is called after each one. Raises nothing that is a host's."""
        ...
