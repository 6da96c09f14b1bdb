"""Questions that the core asks from its threads, answered by dialogs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import ModalScreen

if TYPE_CHECKING:
    from textual.app import App

_T = TypeVar("_T")
_R = TypeVar("_R")


class Asker:
    """Blocks the thread that asks until someone answers; a question given up is refused.

    Questions come one at a time. None of the answers is remembered here.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._open: Future[Any] | None = None
        self._given_up = False
        self._tried: set[str] = set()

    def begin(self) -> None:
        """A new audit asks anew: no key that it asks for has been tried."""
        self._tried.clear()

    def passphrase(self, path: str) -> str | None:
        """The passphrase of a key file, None when it is not given."""
        from cachetui.tui.screens.dialogs import Passphrase

        again = path in self._tried
        given = self._ask(lambda: Passphrase(path, again=again), None)
        if given is not None:
            self._tried.add(path)
        return given

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether to trust a host's key that nobody has seen before."""
        from cachetui.tui.screens.dialogs import HostKey

        return self._ask(lambda: HostKey(host, key_type, fingerprint), False)

    def give_up(self) -> None:
        """Refuse the question that is open, and all that come."""
        with self._guard:
            self._given_up = True
            if self._open is not None:
                self._open.cancel()

    def _ask(self, dialog: Callable[[], ModalScreen[_T]], refused: _R) -> _T | _R:
        with self._one_at_a_time:
            answer: Future[_T | _R] = Future()
            with self._guard:
                if self._given_up:
                    return refused
                self._open = answer

            def show() -> None:
                def done(result: _T | None) -> None:
                    if not answer.cancelled():
                        answer.set_result(refused if result is None else result)

                self._app.push_screen(dialog(), done)

            self._app.call_later(show)
            try:
                return answer.result()
            except CancelledError:
                return refused
            finally:
                with self._guard:
                    self._open = None
