"""What the store answers to a screen: a database can be gone while the app runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cachetui.store.audit_records import AuditEntry
from cachetui.store.troubles import StoreError
from cachetui.tui.app_port import AppPort

_T = TypeVar("_T")


def answer(app: AppPort, ask: Callable[[], _T], instead: _T) -> _T:
    """What the store answers; `instead`, and a message, where it cannot."""
    try:
        return ask()
    except StoreError as error:
        app.tell(f"The store does not answer: {error}", severity="error")
        return instead


def audits_of(app: AppPort) -> list[AuditEntry]:
    """The history, newest first; none, and a message, where it cannot be read."""
    return answer(app, app.core.store.audits, [])


def changed(app: AppPort, change: Callable[[], None]) -> bool:
    """Whether the store took a change; a message where it did not."""
    try:
        change()
    except StoreError as error:
        app.tell(f"The store took no change: {error}", severity="error")
        return False
    return True
