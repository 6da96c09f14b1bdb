"""Questions of SSH connections, asked from the core's threads and answered by dialogs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import ModalScreen

from cachetui.tui.background import call_soon

if TYPE_CHECKING:
    from textual.app import App

_T = TypeVar("_T")
_R = TypeVar("_R")


class SshPrompts:
    """Blocks the asking thread until the user answers; a cancelled question counts as refused.

    Questions are asked one at a time. No answer is remembered here.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._pending: Future[Any] | None = None
        self._given_up = False
        self._tried: set[str] = set()

    def begin(self) -> None:
        """Start anew for a new audit: no passphrase has been tried yet."""
        self._tried.clear()

    def passphrase(self, path: str) -> str | None:
        """The passphrase of a key file; None when the user gives none."""
        from cachetui.tui.screens.dialogs import Passphrase

        again = path in self._tried
        answer = self._ask(lambda: Passphrase(path, again=again), None)
        if answer is not None:
            self._tried.add(path)
        return answer

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether to trust a host key that no known_hosts file has."""
        from cachetui.tui.screens.dialogs import HostKey

        return self._ask(lambda: HostKey(host, key_type, fingerprint), False)

    def give_up(self) -> None:
        """Refuse the pending question and all that follow."""
        with self._guard:
            self._given_up = True
            if self._pending is not None:
                self._pending.cancel()

    def _ask(self, dialog: Callable[[], ModalScreen[_T]], refused: _R) -> _T | _R:
        with self._one_at_a_time:
            answer: Future[_T | _R] = Future()
            with self._guard:
                if self._given_up:
                    return refused
                self._pending = answer

            def show() -> None:
                def closed(result: _T | None) -> None:
                    if not answer.cancelled():
                        answer.set_result(refused if result is None else result)

                self._app.push_screen(dialog(), closed)

            try:
                return answer.result() if call_soon(self._app, show) else refused
            except CancelledError:
                return refused
            finally:
                with self._guard:
                    self._pending = None
