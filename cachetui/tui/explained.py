"""Why the runs of the audit shown differ: derived once, in a thread, for every screen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetui.findings.record import Findings
    from cachetui.records.document import Document


class Explained:
    """The findings of one document at a time. Methods are for the app's thread.

    `findings` is None without a document, while they are looked for, and where that failed: then
    `error` says why. `derive` is called in a thread, for earlier audits are read for it; `changed`
    is called from there when there is something to `take`.
    """

    def __init__(self, derive: Callable[[Document], Findings], changed: Callable[[], None]) -> None:
        self.document: Document | None = None
        self.findings: Findings | None = None
        self.error = ""
        self._derive = derive
        self._changed = changed
        self._lock = threading.Lock()
        self._asked = 0
        self._outcome: tuple[int, Findings | None, str] | None = None

    def follow(self, document: Document | None) -> None:
        """Derive the findings of this document, unless it is the one they are of."""
        if document is not self.document:
            self.document = document
            self.again()

    def again(self) -> None:
        """Derive the findings anew: after an experiment they may be others."""
        self.findings, self.error = None, ""
        self._asked += 1
        if self.document is not None:
            threading.Thread(
                target=self._work, args=(self._asked, self.document), daemon=True, name="findings"
            ).start()

    def _work(self, asked: int, document: Document) -> None:
        findings: Findings | None = None
        error = ""
        try:
            findings = self._derive(document)
        except Exception as caught:  # whatever it is, the app must show it
            error = str(caught)
        with self._lock:
            if self._outcome is None or self._outcome[0] < asked:
                self._outcome = (asked, findings, error)
        self._changed()

    def take(self) -> bool:
        """Take what was derived since the last call. Returns whether it is what was asked last."""
        with self._lock:
            outcome, self._outcome = self._outcome, None
        if outcome is None or outcome[0] != self._asked:
            return False
        _, self.findings, self.error = outcome
        return True
