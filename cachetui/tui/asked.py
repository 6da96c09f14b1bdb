"""What hosts report of themselves before an audit: asked in a thread, for Fleet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cachetui.tui.view.before_audit import Answers

if TYPE_CHECKING:
    from cachetui.config.settings import HostSettings
    from cachetui.hosts.machine import Cancel
    from cachetui.records.host import HostReport

Ask = Callable[["Sequence[HostSettings]", "Callable[[HostReport], None]", "Cancel"], None]
"""Asks hosts, tells each report as it comes, and returns once all have answered, or cancelled."""


class Asked:
    """The hosts that were asked last, and their `answers`. Methods are for the app's thread.

    `ask` is called in a thread; `changed` is called from there when there is something to `take`.
    """

    def __init__(self, ask: Ask, changed: Callable[[], None]) -> None:
        self.answers = Answers()
        self._ask = ask
        self._changed = changed
        self._lock = threading.Lock()
        self._came: list[HostReport] = []
        self._cancel = threading.Event()

    def begin(self, hosts: Sequence[HostSettings]) -> None:
        """Ask these hosts, and no longer those before. Returns at once."""
        self.stop()
        self.answers = Answers(waiting=frozenset(host.name for host in hosts))
        self._cancel = cancel = threading.Event()

        def told(report: HostReport) -> None:
            with self._lock:
                if not cancel.is_set():
                    self._came.append(report)
            self._changed()

        def body() -> None:
            self._ask(hosts, told, cancel)

        if hosts:
            threading.Thread(target=body, daemon=True, name="ask").start()

    def stop(self) -> None:
        """Ask no more, as when an audit begins, which asks by itself."""
        self._cancel.set()
        self.answers = replace(self.answers, waiting=())
        with self._lock:
            self._came = []

    def take(self) -> bool:
        """Take what was told since the last call. Returns whether anything was."""
        with self._lock:
            came, self._came = self._came, []
        if came:
            told = {report.name: report for report in came}
            waiting = frozenset(self.answers.waiting).difference(told)
            self.answers = Answers({**self.answers.reports, **told}, waiting)
        return bool(came)
