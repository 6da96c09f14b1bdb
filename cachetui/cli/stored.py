"""The stored audits that a command line names, and the store's warnings."""

from __future__ import annotations

import sys
from contextlib import suppress

from cachetui.core import UserError
from cachetui.records.document import Document
from cachetui.report.clean import clean_line
from cachetui.store.database import Store


def load_audit(store: Store, audit_prefix: str) -> Document:
    """The audit that `audit_prefix` names. Raises `UserError`."""
    audit = resolve_audit(store, audit_prefix)
    store.use(audit)
    document = store.audit(audit)
    if document is None:
        raise UserError(f"the audit {audit_prefix} cannot be read; {'; '.join(store.warnings)}")
    return document


def resolve_audit(store: Store, audit_prefix: str) -> str:
    """The id of the one audit that begins so, or of the last for "last". Raises `UserError`."""
    audit = store.resolve(audit_prefix)
    if audit is None:
        latest = ", ".join(entry.audit for entry in store.audits()[:5]) or "none"
        raise UserError(f"no single audit is named {audit_prefix!r}; the latest are: {latest}")
    return audit


def print_warnings(store: Store) -> None:
    """Print on standard error what the store could not read and set aside."""
    for warning in store.warnings:
        with suppress(OSError):
            sys.stderr.write(f"cachetui: {clean_line(warning)}\n")
