"""One host's part in an audit's progress: what its thread reports to the tracker."""

from __future__ import annotations

import logging
import time

from cachetui.audit.build_recorder import BuildRecorder
from cachetui.audit.progress import CellState, HostState, steps_of
from cachetui.audit.progress_tracker import ProgressTracker
from cachetui.records.host import HostFacts, HostStatus
from cachetui.records.run import Run
from cachetui.records.scenario import Planned

_log = logging.getLogger(__name__)

_STATES_OF_STATUS: dict[HostStatus, tuple[HostState, CellState]] = {
    "ok": ("done", "done"),
    "skipped": ("cancelled", "cancelled"),
    "unreachable": ("unreachable", "unreachable"),
    "failed": ("failed", "failed"),
}


class HostProgressReporter:
    """Reports the progress of the host `name`."""

    def __init__(self, tracker: ProgressTracker, name: str) -> None:
        self._tracker = tracker
        self._name = name

    def note(self, text: str) -> None:
        """Add a sentence to the audit's notes."""
        self._tracker.add_note(text)

    def state(self, state: HostState) -> None:
        """The host is doing something else now."""
        _log.debug("%s: %s", self._name, state)
        self._tracker.update_host(self._name, state=state)

    def connecting(self) -> None:
        """The host's part begins; an earlier reason does not hold any more."""
        _log.debug("%s: connecting", self._name)
        self._tracker.update_host(self._name, state="connecting", reason=None, remedy=None)

    def waiting(self, reason: str) -> None:
        """The host is waited for: the reason says why."""
        self._tracker.update_host(self._name, state="waiting", reason=reason)

    def waited(self) -> None:
        """It is the host's turn."""
        self._tracker.update_host(self._name, state="asking", reason=None)

    def facts(self, facts: HostFacts) -> None:
        self._tracker.update_host(self._name, facts=facts)

    def sending(self, total: int) -> None:
        """The context is sent, `total` bytes."""
        self._tracker.update_host(self._name, state="sending", sent=0, to_send=total)

    def sent(self, sent: int) -> None:
        """So many bytes of the context have been sent."""
        self._tracker.update_host(self._name, sent=sent)

    def expected(self, planned: Planned, steps: int, seconds: float | None) -> None:
        """How many steps a run has, and how long it is likely to take where that is known."""
        known = {} if seconds is None else {"expected": seconds}
        self._tracker.update_cell(self._key(planned), steps=steps, **known)

    def build_begins(self, planned: Planned) -> None:
        self._tracker.update_cell(self._key(planned), state="building")

    def building(self, planned: Planned, recorder: BuildRecorder) -> None:
        """A step of a build has begun or ended."""
        steps = recorder.finished(ended=False, failed=False)
        ended, _ = steps_of(steps)
        counted = [step for step in steps if step.counts]
        self._tracker.update_cell(
            self._key(planned),
            state="building",
            step=ended,
            steps=recorder.steps.total,
            doing=recorder.doing,
            hits=sum(step.status == "hit" for step in counted),
            misses=sum(step.status == "miss" for step in counted),
        )

    def run_ended(self, run: Run, state: CellState) -> None:
        """A run has its record."""
        how = "stored" if run.stored else run.status
        _log.debug("%s: %s %d: %s %s", run.host, run.scenario, run.repeat, how, run.reason or "")
        counted = [step for step in run.steps if step.counts]
        came, steps = steps_of(run.steps)
        self._tracker.update_cell(
            (run.host, run.scenario, run.repeat),
            state=state,
            step=came,
            steps=steps,
            doing="",
            hits=sum(step.status == "hit" for step in counted),
            misses=sum(step.status != "hit" for step in counted),
            seconds=run.seconds,
            age=time.time() - run.started_at if run.stored else None,
            reason=run.reason,
            run=run.id,
        )

    def host_ended(self, status: HostStatus, reason: str, remedy: str | None) -> None:
        """The host's part is over early: runs that have not ended get its state and reason."""
        _log.debug("%s: %s: %s; %s", self._name, status, reason, remedy or "")
        host_state, cell_state = _STATES_OF_STATUS[status]
        self._tracker.update_host(self._name, state=host_state, reason=reason, remedy=remedy)
        self._tracker.end_remaining(self._name, cell_state, reason)

    def _key(self, planned: Planned) -> tuple[str, str, int]:
        return (self._name, planned.scenario, planned.repeat)
