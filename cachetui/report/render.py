"""An audit as text in the format that was asked for, with the failed steps' last lines."""

from __future__ import annotations

import os
import sys
import time

from cachetui.findings import Findings
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.report.reasons import MOST, lay_out
from cachetui.store.database import Store

TAIL = 20


def render(
    document: Document,
    findings: Findings,
    store: Store,
    form: str,
    width: int,
    to_terminal: bool,
    most: int | None = MOST,
    outputs: OutputsReport | None = None,
) -> str:
    """`form` is table, json, markdown or html; `width` is the terminal's, in cells. `most` is how
    many findings table and Markdown tell (None: all); JSON and HTML have them all. `outputs` is
    what came out, where images were looked at."""

    def log_tail(run_id: str, step: StepId) -> list[str]:
        log = store.log(run_id)
        if log is None:
            return []
        with log:
            return [line.text for line in log.step(step).tail(TAIL)]

    if form == "json":
        from cachetui.report.jsonout import encode

        return encode(document, findings, outputs).decode()
    if form == "markdown":
        from cachetui.report import markdown

        return markdown.render(document, log_tail, lay_out(findings, most), outputs)
    if form == "html":
        from cachetui.report import html

        return html.render(document, log_tail, time.time(), lay_out(findings, None), outputs)
    from cachetui.report import style, table

    color = style.wanted(to_terminal and sys.stdout.isatty(), os.environ)
    text = table.render(
        document, width=width, color=color, log_tail=log_tail, reasons=lay_out(findings, most)
    )
    if outputs is not None:
        from cachetui.report.outputs.table import brief

        text += "\n" + brief(outputs, document.audit, width=width, color=color)
    return text
