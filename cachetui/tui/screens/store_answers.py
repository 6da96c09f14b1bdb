"""What the store answers to a screen, asked in threads: a database can be far, or gone, while the
app runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cachetui.records.document import Document
from cachetui.store.audit_records import AuditEntry
from cachetui.store.troubles import StoreError
from cachetui.tui.app_port import AppPort
from cachetui.tui.background import run_in_background

_T = TypeVar("_T")


def _ask(
    app: AppPort, ask: Callable[[], _T], told: Callable[[_T], object], instead: Callable[[], object]
) -> None:
    """Ask the store in a thread; `told` is called with the answer, or `instead` after a message
    that says why there is none."""

    def failed(error: Exception) -> None:
        if not isinstance(error, StoreError):
            raise error
        app.tell(f"The store does not answer: {error}", severity="error")
        instead()

    run_in_background(app, "store", ask, told, failed)


def read_history(app: AppPort, told: Callable[[Sequence[AuditEntry]], object]) -> None:
    """Read the stored audits, newest first. The session keeps what was read last, which is told
    again where they cannot be read now."""

    def read(entries: list[AuditEntry]) -> None:
        app.session.history = entries
        told(entries)

    _ask(app, app.core.store.audits, read, lambda: told(app.session.history or ()))


def read_audits(
    app: AppPort, audits: Sequence[str], told: Callable[[list[Document | None]], object]
) -> None:
    """Read audits, or take those that the session has at hand; None for one that the store has
    not. A message alone where they cannot be read."""
    session, store = app.session, app.core.store
    current = session.current()
    known = {**session.documents, **({current.audit: current} if current is not None else {})}

    def read(documents: list[Document | None]) -> None:
        session.documents |= {each.audit: each for each in documents if each is not None}
        told(documents)

    if all(audit in known for audit in audits):
        read([known[audit] for audit in audits])
        return
    _ask(
        app,
        lambda: [known.get(audit) or store.audit(audit) for audit in audits],
        read,
        lambda: None,
    )


def change_store(app: AppPort, change: Callable[[], None], done: Callable[[], object]) -> None:
    """Change something in the store, in a thread; `done` is called then, or a message says why it
    took no change."""

    def failed(error: Exception) -> None:
        if not isinstance(error, StoreError):
            raise error
        app.tell(f"The store could not be changed: {error}", severity="error")

    run_in_background(app, "store", change, lambda _: done(), failed)
