"""An audit as text in the format that was asked for, with the failed steps' last lines."""

from __future__ import annotations

import os
import sys
import time

from cachetui.record import Document, StepId
from cachetui.store import Store

TAIL = 20


def render(document: Document, store: Store, form: str, width: int, to_terminal: bool) -> str:
    """`form` is table, json, markdown or html; `width` is the terminal's, in cells."""

    def log_tail(run_id: str, step: StepId) -> list[str]:
        log = store.log(run_id)
        if log is None:
            return []
        with log:
            return [line.text for line in log.step(step).tail(TAIL)]

    if form == "json":
        from cachetui.report.jsonout import encode

        return encode(document).decode()
    if form == "markdown":
        from cachetui.report import markdown

        return markdown.render(document, log_tail)
    if form == "html":
        from cachetui.report import html

        return html.render(document, log_tail, time.time())
    from cachetui.report import style, table

    color = style.wanted(to_terminal and sys.stdout.isatty(), os.environ)
    return table.render(document, width=width, color=color, log_tail=log_tail)
