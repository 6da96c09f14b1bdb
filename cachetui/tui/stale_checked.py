"""An audit that compares, at its end, what imports brought with what is made without them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from cachetui.tui.core_port import AuditPort

if TYPE_CHECKING:
    from cachetui.audit.progress import Snapshot
    from cachetui.config.settings import BuildSettings
    from cachetui.dockerfile.parse import Dockerfile
    from cachetui.hosts.machine import Cancel
    from cachetui.records.document import Document
    from cachetui.store.run_log import RunLog
    from cachetui.tui.view.fleet_rows import CellKey

Check = Callable[["Document", "Cancel"], "Document"]


class StaleChecked:
    """A prepared audit and the comparison, for a session to run; stopping ends both."""

    def __init__(self, audit: AuditPort, check: Check) -> None:
        self._audit, self._check = audit, check
        self._stopped = threading.Event()

    @property
    def id(self) -> str:
        return self._audit.id

    @property
    def build(self) -> BuildSettings:
        return self._audit.build

    @property
    def dockerfile(self) -> Dockerfile:
        return self._audit.dockerfile

    def run(self) -> Document:
        """The audit with its comparisons; without them where it was stopped."""
        return self._checked(self._audit.run())

    def rerun(self, cells: Collection[CellKey]) -> Document:
        """The same of an audit of which these cells were run again."""
        return self._checked(self._audit.rerun(cells))

    def _checked(self, document: Document) -> Document:
        return document if self._stopped.is_set() else self._check(document, self._stopped)

    def stop(self, hosts: Collection[str] | None = None) -> None:
        """Stop it, or the builds of these hosts; then the rest is compared."""
        if hosts is None:
            self._stopped.set()
        self._audit.stop(hosts)

    def watch(self, callback: Callable[[Snapshot], None]) -> None:
        self._audit.watch(callback)

    def snapshot(self) -> Snapshot:
        return self._audit.snapshot()

    def live_log(self, host: str, scenario: str, repeat: int) -> RunLog | None:
        return self._audit.live_log(host, scenario, repeat)

    def document(self) -> Document:
        return self._audit.document()

    def keep(self) -> Document:
        return self._audit.keep()
