"""An audit as GitHub-flavoured Markdown: for a pull request's comment or a job's summary."""

from __future__ import annotations

from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.report.escape import markdown_block, markdown_code, markdown_rows, markdown_text
from cachetui.report.outputs import page
from cachetui.report.passages import LogTail
from cachetui.report.reasons import HEADING, NOTHING, UNEXPLAINED, Reasons
from cachetui.report.view import Cell, Column, View, lay_out


def render(
    document: Document,
    log_tail: LogTail,
    reasons: Reasons = NOTHING,
    outputs: OutputsReport | None = None,
) -> str:
    """The audit as Markdown, the verdict and why first; ends in a newline.

    `log_tail` gives the last lines of a failed step's log. Text from builds and hosts shows as
    itself: it cannot end a cell, or be markup, HTML or a link. `outputs` is what came out.
    """
    view = lay_out(document, log_tail)
    headline, *places = view.verdict
    sign = "≠ " if view.differ else ""
    lines = [
        f"## {markdown_text(view.title)}",
        "",
        f"**{sign}{markdown_text(headline)}**",
        "",
        *(f"- {markdown_text(place)}" for place in places),
        *[""] * bool(places),
        *_why(reasons),
        *(f"{markdown_text(fact)}  " for fact in view.facts),
    ]
    for label, hosts in view.folded:
        lines.append(f"{markdown_text(label)} = {markdown_text(hosts)}  ")
    for columns in view.scenarios.values():
        lines += ["", f"### {markdown_text(columns[0].scenario)}", "", *_table(view, columns)]
    if view.legend:
        lines += ["", markdown_text("; ".join(view.legend))]
    for failure in view.failures:
        where = f"{', '.join(failure.scenarios)} on {failure.hosts}: {failure.reason}"
        lines += ["", f"### ✗ {markdown_text(where)}"]
        lines += ["", markdown_code(failure.step)] if failure.step else []
        lines += ["", *markdown_block(failure.tail)] if failure.tail else []
    for passage in view.passages:
        lines += ["", f"### {passage.heading}", ""]
        lines += [f"- {markdown_text(line)}" for line in passage.lines]
    if outputs is not None:
        lines += ["", *page.markdown(outputs)]
    return "\n".join(lines) + "\n"


def _why(reasons: Reasons) -> list[str]:
    lines: list[str] = []
    for heading, members in ((HEADING, reasons.told), (UNEXPLAINED, reasons.unexplained)):
        lines += [f"### {heading}", ""] if members else []
        for one in members:
            known = filter(None, [one.sure if one.name else "", one.cost, one.facts])
            lines.append(f"- **{markdown_text(one.title)}**  ")
            name = f" {markdown_code(one.name)}" if one.name else ""
            lines.append(f"  {markdown_text('; '.join(known))}{name}")
            lines += [f"  - {markdown_text(text)}" for text in one.evidence]
            lines += [f"  - and {one.hidden} more"] if one.hidden else []
            lines += [f"  - → {markdown_text(one.advice)}"] if one.advice else []
        lines += [""] if members else []
    if reasons.needs:
        lines += ["### Would tell more", ""]
        lines += [*(f"- {markdown_text(text)}" for text in reasons.needs), ""]
    return [*lines, markdown_text(reasons.rest), ""] if reasons.rest else lines


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
    text = " ".join(filter(None, (cell.sign, cell.word, cell.seconds)))
    return f"**{markdown_text(text)}**" if cell.odd else markdown_text(text)
