"""Reports of hand-made audits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.report.audit_report import AuditReport
from tests import make_records as b

NO_FINDINGS = Findings()


def report(
    document: Document,
    findings: Findings = NO_FINDINGS,
    *,
    tail: Iterable[str] | None = None,
    **more: Any,
) -> AuditReport:
    """A report of an audit; `tail` are the last lines of every log."""
    log_tail = b.tails() if tail is None else b.tails(tail)
    fields: dict[str, Any] = {"log_tail": log_tail, "now": b.NOW, **more}
    return AuditReport(document=document, findings=findings, **fields)
