"""The stored audits that a command line names, and the store's warnings."""

from __future__ import annotations

import sys
from contextlib import suppress

from cachetui.cli.failures import tell
from cachetui.core import UserError
from cachetui.findings.wording import join_names
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
    """The id of the one audit that begins so, or of the last for "last"; where that passes over a
    peek, it is told. Raises `UserError`."""
    audit = store.resolve(audit_prefix)
    stored = [entry.audit for entry in store.audits()]
    if audit is not None:
        if audit_prefix == "last" and stored[0] != audit:
            tell(f"last is {audit}, the last audit that built; the last peek is {stored[0]}")
        return audit
    if not stored:
        raise UserError("no audit is stored yet; cachetui run BUILD makes one")
    beginning = [name for name in stored if audit_prefix and name.startswith(audit_prefix)]
    if beginning:
        count = len(beginning)
        raise UserError(f"{count} audits begin with {audit_prefix!r}: {join_names(beginning, 5)}")
    raise UserError(f"no audit is named {audit_prefix!r}; the latest are {join_names(stored, 5)}")


def print_warnings(store: Store) -> None:
    """Print on standard error what the store could not read and set aside."""
    for warning in store.warnings:
        with suppress(OSError):
            sys.stderr.write(f"cachetui: {clean_line(warning)}\n")
