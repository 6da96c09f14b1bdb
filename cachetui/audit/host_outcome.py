"""What an audit says of one host: how it ended, and what it left there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cachetui.audit.host_progress import HostProgressReporter
from cachetui.audit.leftovers import Remains
from cachetui.hosts.machine import HostError
from cachetui.records.host import HostFacts, HostReport, HostStatus, known_of


def status_after(error: HostError, facts: HostFacts | None) -> HostStatus:
    """Whose fault it was follows from the error's kind, and from whether facts are known."""
    if error.kind in ("cancelled", "not-now"):
        return "skipped"
    no_login = error.kind in ("unreachable", "host-key", "login", "timeout")
    return "unreachable" if no_login and facts is None else "failed"


class HostOutcome:
    """`report` is what is known so far; ends go to the progress too. `why_stopped` gives the reason
    that a host is skipped for when all was called off."""

    def __init__(
        self, name: str, progress: HostProgressReporter, why_stopped: Callable[[], str]
    ) -> None:
        self.report = HostReport(name=name, status="skipped")
        self._progress = progress
        self._why_stopped = why_stopped

    def change(self, **fields: Any) -> None:
        """Set fields of the report."""
        self.report = msgspec.structs.replace(self.report, **fields)

    def connected(self, facts: HostFacts) -> None:
        """The host was asked."""
        self._progress.facts(facts)
        self._set("ok", facts)

    def failed(self, error: HostError, facts: HostFacts | None) -> None:
        """See `status_after`."""
        status = status_after(error, facts)
        if status == "skipped":
            why = self._why_stopped() if error.kind == "cancelled" else error.reason
            self.ended(status, facts, why)
            return
        self.ended(status, facts, error.reason, error.remedy or None)

    def ended(
        self, status: HostStatus, facts: HostFacts | None, reason: str, remedy: str | None = None
    ) -> None:
        """It ended before all was done, for a reason, as a clause without a full stop."""
        self._set(status, facts, reason, remedy)
        self._progress.host_ended(status, reason, remedy)

    def left(self, remains: Remains) -> None:
        """What is ours was removed, and this is what stays."""
        for note in remains.notes:
            self._progress.note(f"{self.report.name}: {note}")
        self.change(not_asked_since=None)
        if remains.bytes is not None:
            self.change(
                left_behind_bytes=remains.bytes,
                left_behind_at_most=remains.at_most,
                left_behind_images=remains.in_use + remains.unsure,
                mounts=remains.mounts,
            )

    def _set(
        self,
        status: HostStatus,
        facts: HostFacts | None,
        reason: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.change(status=status, reason=reason, remedy=remedy, **known_of(facts))
