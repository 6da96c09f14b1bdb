"""Why the runs of the audit shown differ, and what a peek tells: derived once, in a thread, for
every screen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachetui.audit.peek_results import Peek
    from cachetui.findings.record import Findings
    from cachetui.records.document import Document


class Explained:
    """The findings of one document at a time, and of a peek's what `look` makes of them. Methods
    are for the app's thread.

    `findings` is None without a document, while they are looked for, and where that failed: then
    `error` says why. `peek` is None as long, and for an audit that is none. `derive` and `look` are
    called in a thread, for earlier audits are read for them; `changed` is called from there when
    there is something to `take`.
    """

    def __init__(
        self,
        derive: Callable[[Document], Findings],
        look: Callable[[Document, Findings], Peek],
        changed: Callable[[], None],
    ) -> None:
        self.document: Document | None = None
        self.findings: Findings | None = None
        self.peek: Peek | None = None
        self.error = ""
        self._derive, self._look = derive, look
        self._changed = changed
        self._lock = threading.Lock()
        self._asked = 0
        self._outcome: tuple[int, Findings | None, Peek | None, str] | None = None

    def follow(self, document: Document | None) -> None:
        """Derive the findings of this document, unless it is the one they are of."""
        if document is not self.document:
            self.document = document
            self.again()

    def again(self) -> None:
        """Derive the findings anew: after an experiment they may be others."""
        self.findings, self.peek, self.error = None, None, ""
        self._asked += 1
        if self.document is not None:
            threading.Thread(
                target=self._work, args=(self._asked, self.document), daemon=True, name="findings"
            ).start()

    def _work(self, asked: int, document: Document) -> None:
        findings: Findings | None = None
        peek: Peek | None = None
        error = ""
        try:
            findings = self._derive(document)
            if any(run.kind.peeks for run in document.runs):
                peek = self._look(document, findings)
        except Exception as caught:  # whatever it is, the app must show it
            error = str(caught)
        with self._lock:
            if self._outcome is None or self._outcome[0] < asked:
                self._outcome = (asked, findings, peek, error)
        self._changed()

    def take(self) -> bool:
        """Take what was derived since the last call. Returns whether it is what was asked last."""
        with self._lock:
            outcome, self._outcome = self._outcome, None
        if outcome is None or outcome[0] != self._asked:
            return False
        _, self.findings, self.peek, self.error = outcome
        return True
