"""`cachetui show`, and the end of `run`: an audit in the format asked for."""

from __future__ import annotations

import os
import shutil
import sys

from cachetui.audit.findings_of import why
from cachetui.cli.args import ShowArgs
from cachetui.cli.compare_to import code_with_comparison, compared, earlier_audit
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.result import exit_code, write_result
from cachetui.cli.stored import load_audit, print_warnings
from cachetui.findings import Findings
from cachetui.outputs.compare_runs import of_document
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.report import formats, style
from cachetui.report.audit_report import AuditReport, log_tail_of
from cachetui.report.formats.jsonl import closing_lines
from cachetui.store.database import Store


def show_command(store: Store, audit_prefix: str, args: ShowArgs) -> int:
    """Show a stored audit; the exit code is the one that `run` gave, or would have given."""
    gate = parse_gate(args.fail_on)
    document = load_audit(store, audit_prefix)
    before = earlier_audit(store, args.compare_to, document.build.name, before=document.started_at)
    findings, outputs = why(document, store), of_document(document, store)
    show(document, findings, outputs, store, args, before=before)
    code = code_with_comparison(exit_code(document, outputs), document, before)
    return code_with_gate(code, findings, gate)


def show(
    document: Document,
    findings: Findings,
    outputs: OutputsReport | None,
    store: Store,
    args: ShowArgs,
    *,
    before: Document | None = None,
    runs_shown: bool = False,
) -> AuditReport:
    """Write an audit as the command line asks for, compared with one `before` if any, and the
    store's warnings; returns what was written. With `runs_shown` the lines of its runs have been
    printed already."""
    screen = args.output is None and sys.stdout.isatty()
    size = shutil.get_terminal_size((160, 24))
    report = AuditReport(
        document=document,
        findings=findings,
        outputs=outputs,
        compared=compared(document, before),
        log_tail=log_tail_of(store),
        max_findings=args.max_findings,
        all_tables=args.all_tables,
        width=size.columns,
        height=size.lines if screen else None,
        answer_first=args.output is not None,
        color=style.wanted(screen, os.environ),
    )
    if runs_shown:
        text = "\n".join(closing_lines(report))
    else:
        text = formats.load(args.output_format).render(report)
    try:
        write_result(text, args.output)
    finally:
        print_warnings(store)
    return report
