"""An audit as GitHub-flavoured Markdown: for a pull request's comment or a job's summary."""

from __future__ import annotations

from cachetui.report import signs
from cachetui.report.audit_report import AuditReport
from cachetui.report.columns import Cell, Column
from cachetui.report.escape import (
    markdown_block,
    markdown_code,
    markdown_prose,
    markdown_rows,
    markdown_text,
)
from cachetui.report.formats import Format
from cachetui.report.outputs import page
from cachetui.report.reasons import NEEDS, Reason, Reasons, lay_out_findings
from cachetui.report.view import View, lay_out


def render(report: AuditReport) -> str:
    """The audit as Markdown, the verdict and why first; ends in a newline.

    Text from builds and hosts shows as itself: it cannot end a cell, or be markup, HTML or a link.
    """
    view = lay_out(report.document, report.findings, report.log_tail)
    lines = [
        *_head(view, lay_out_findings(report.findings, report.max_findings)),
        *_tables(view),
        *_failures(view),
    ]
    for passage in view.passages:
        lines += ["", f"### {passage.heading}", ""]
        lines += [f"- {markdown_text(line)}" for line in passage.lines]
    if report.outputs is not None:
        lines += ["", *page.markdown(report.outputs)]
    return "\n".join(lines) + "\n"


def _head(view: View, reasons: Reasons) -> list[str]:
    """The title, the verdict, why, and facts of the audit."""
    headline, *places = view.verdict
    sign = f"{view.sign} " if view.sign else ""
    return [
        f"## {markdown_text(view.title)}",
        "",
        f"**{sign}{markdown_text(headline)}**",
        "",
        *(f"- {markdown_text(place)}" for place in places),
        *[""] * bool(places),
        *_why(reasons),
        *(f"{markdown_text(fact)}  " for fact in view.facts),
        *(f"{markdown_text(label)} = {markdown_text(hosts)}  " for label, hosts in view.folded),
    ]


def _why(reasons: Reasons) -> list[str]:
    lines: list[str] = []
    for heading, members in reasons.sections:
        lines += [f"### {heading}", "", *(line for reason in members for line in _reason(reason))]
        lines.append("")
    if reasons.needs:
        lines += [f"### {NEEDS}", ""]
        lines += [*(f"- {markdown_prose(text)}" for text in reasons.needs), ""]
    return [*lines, markdown_text(reasons.rest), ""] if reasons.rest else lines


def _reason(reason: Reason) -> list[str]:
    name = f" {markdown_code(reason.name)}" if reason.name else ""
    return [
        f"- **{markdown_prose(reason.title)}**  ",
        f"  {markdown_text('; '.join(reason.facts))}{name}",
        *(f"  - {markdown_prose(text)}" for text in reason.evidence),
        *[f"  - and {reason.hidden} more"] * bool(reason.hidden),
        *[f"  - → {markdown_prose(reason.advice)}"] * bool(reason.advice),
    ]


def _tables(view: View) -> list[str]:
    """A table for each scenario, and the legend."""
    lines: list[str] = []
    for columns in view.scenarios.values():
        lines += ["", f"### {markdown_text(columns[0].scenario)}", "", *_table(view, columns)]
    return [*lines, *(["", markdown_text("; ".join(view.legend))] if view.legend else [])]


def _failures(view: View) -> list[str]:
    """What failed, with the last lines of its log."""
    lines: list[str] = []
    sign = signs.RUN_STATES["failed"].sign
    for failure in view.failures:
        where = f"{', '.join(failure.scenarios)} on {failure.hosts}: {failure.reason}"
        lines += ["", f"### {sign} {markdown_text(where)}"]
        lines += ["", markdown_code(failure.step)] if failure.step else []
        lines += ["", *markdown_block(failure.tail)] if failure.tail else []
    return lines


def _table(view: View, columns: tuple[Column, ...]) -> list[str]:
    """A scenario: a row a step, a column a host."""
    rows: list[list[str]] = []
    stage = ""
    for position, row in enumerate(view.rows):
        shown = [column.cells[position] for column in columns]
        if all(cell.status == "absent" for cell in shown):
            continue
        if row.stage != stage:
            stage = row.stage
            rows.append(["", f"**{markdown_text(stage)}**", *[""] * len(columns)])
        rows.append([str(row.line), markdown_code(row.instruction), *map(_cell, shown)])
    totals = [("hits", [column.ratio for column in columns])]
    totals.append(("seconds", [column.seconds for column in columns]))
    if any(column.ending != "ok" for column in columns):
        totals.append(("result", [column.ending for column in columns]))
    if any(column.stored for column in columns):
        totals.append(("stored", [column.stored for column in columns]))
    rows += [["", f"*{name}*", *map(markdown_text, texts)] for name, texts in totals]
    heads = ["line", "step", *(markdown_text(column.label) for column in columns)]
    return markdown_rows(heads, rows)


def _cell(cell: Cell) -> str:
    text = " ".join(filter(None, (cell.sign.strip(), cell.word, cell.seconds)))
    return f"**{markdown_text(text)}**" if cell.odd else markdown_text(text)


FORMAT = Format(
    render=render,
    title="Markdown",
    description="for a pull request or an issue",
    suffix="md",
    readers="people",
)
