"""An audit with all that a report shows of it: the one value that every format renders."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cachetui.findings import Findings
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.report.failures import LogTail
from cachetui.report.reasons import MAX_FINDINGS
from cachetui.report.signs import RUN_STATES
from cachetui.store.log_blocks import LogError
from cachetui.store.troubles import StoreError

if TYPE_CHECKING:
    from cachetui.store.database import Store

MAX_LOG_LINES = 20
"""Lines that are read from the end of a failed step's log."""


def _no_log(_run_id: str, _step: StepId) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Compared:
    """What --compare-to found: `lines`, headline first, cleaned, and whether anything is worse.
    `nothing` says that no step could be compared, and `failed` that this is so because every build
    failed."""

    lines: tuple[str, ...]
    worse: bool
    nothing: bool = False
    failed: bool = False

    @property
    def sign(self) -> str:
        """What stands before the headline; nothing where neither is said."""
        if self.worse or self.failed:
            return RUN_STATES["failed"].sign
        return "" if self.nothing else RUN_STATES["ok"].sign


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """An audit, why its runs differ, and how to show it.

    `outputs` compares the images, None where none was read. `compared` is how it compares with an
    earlier audit, None where that was not asked for. `log_tail` gives the last lines of a
    step's log. `max_findings` limits the findings in formats that are read at a glance, None for
    all. Without `all_tables`, scenarios in which all hosts agree take a line each in the
    terminal's table. `width` (cells) and `color` are the terminal's; so is `height` (rows), None
    where there is none; `answer_first` then puts verdict and causes on top. `now` is the time of
    writing in seconds since the epoch.
    """

    document: Document
    findings: Findings
    outputs: OutputsReport | None = None
    compared: Compared | None = None
    log_tail: LogTail = _no_log
    max_findings: int | None = MAX_FINDINGS
    all_tables: bool = True
    width: int = 160
    height: int | None = None
    answer_first: bool = False
    color: bool = False
    now: float = field(default_factory=time.time)


def log_tail_of(store: Store) -> LogTail:
    """Reads the last lines of steps' logs from the store; none where no log is stored."""

    def tail(run_id: str, step: StepId) -> list[str]:
        with suppress(LogError, StoreError):
            log = store.log(run_id)
            if log is not None:
                with log:
                    return [line.text for line in log.step(step).tail(MAX_LOG_LINES)]
            if (why := store.log_gone(run_id)) is not None:
                return [f"({why})"]
        return []

    return tail
