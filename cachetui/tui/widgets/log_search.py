"""A search through a log of any length, in a thread."""

from __future__ import annotations

import threading
from array import array

from cachetui.store.log_blocks import LogError
from cachetui.store.log_text import LogText

_MAX_MATCHES = 5_000_000


class LogSearch:
    """Searches a log for words; `matches` are the line numbers so far, and grow until `done`.
    `error` says why it ended early, "" when it did not."""

    def __init__(self, text: LogText, words: str) -> None:
        self.words = words
        self.matches: array[int] = array("Q")
        self.done = False
        self.error = ""
        self._text = text
        self._stopped = False
        threading.Thread(target=self._run, daemon=True, name="search").start()

    def stop(self) -> None:
        """End the search."""
        self._stopped = True

    def _run(self) -> None:
        try:
            for number in self._text.search(self.words):
                if self._stopped or len(self.matches) >= _MAX_MATCHES:
                    break
                self.matches.append(number)
        except (LogError, OSError, ValueError) as error:
            self.error = str(error)
        self.done = True
