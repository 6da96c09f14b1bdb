"""What the store keeps of an audit beside its runs."""

from __future__ import annotations

from cachetui.records.base import Record
from cachetui.records.document import Document
from cachetui.records.scenario import PEEKS

_PEEKS = {scenario.name for scenario in PEEKS}


class AuditEntry(Record, frozen=True, kw_only=True):
    """A line of the history. `hosts` and `runs` are counts; times in seconds since the epoch. A
    `pinned` audit is never removed to keep the store within a limit."""

    audit: str
    build: str
    started_at: float
    seconds: float
    hosts: int
    runs: int
    failed: int
    scenarios: tuple[str, ...] = ()
    pinned: bool = False

    @property
    def peek(self) -> bool:
        """Whether it looked at caches only."""
        return bool(self.scenarios) and {*self.scenarios} <= _PEEKS


class KeptAudit(Record, frozen=True, kw_only=True):
    """An audit without its runs, which are kept by themselves: (id, reused from the store)."""

    document: Document
    runs: tuple[tuple[str, bool], ...]
