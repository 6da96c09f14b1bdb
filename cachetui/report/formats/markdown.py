"""An audit as GitHub-flavoured Markdown: for a pull request's comment or a job's summary.

What one has to know stands open on top: the verdict, hosts in trouble, causes with advice. The rest
is folded below. Text from builds and hosts shows as itself: it cannot end a cell or an element, be
markup, HTML or a link, or mention anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from cachetui.report import share_table, signs
from cachetui.report.audit_report import AuditReport
from cachetui.report.columns import Cell, Column
from cachetui.report.escape import (
    markdown_block,
    markdown_code,
    markdown_prose,
    markdown_rows,
    markdown_text,
)
from cachetui.report.failures import Failure
from cachetui.report.formats import Format
from cachetui.report.outputs import page
from cachetui.report.parts import MAX_COMMENT, Part, fit, folded
from cachetui.report.passages import TROUBLES, Passage
from cachetui.report.reasons import NEEDS, OTHERS, WHOLE, Needed, Reason, Reasons, lay_out_findings
from cachetui.report.share import ShareView
from cachetui.report.shell import LONG_COMMANDS, Typed
from cachetui.report.view import View, lay_out


def render(report: AuditReport) -> str:
    """The audit as Markdown that fits a comment; ends in a newline."""
    return fit(parts(report), MAX_COMMENT, f"cachetui show {report.document.audit}")


def parts(report: AuditReport) -> list[Part]:
    """All of the audit, the most important first."""
    view = lay_out(report.document, report.findings, report.log_tail)
    reasons = lay_out_findings(report.findings, report.max_findings, view.causes)
    return [
        *_head(view, report),
        *_overview(view),
        *_open_passages(view),
        *_why(reasons),
        *_places(view, is_open=not reasons.explained and not reasons.unexplained),
        *map(_failure, view.failures),
        *(_tables(view) if view.share is None else _shared(view.share)),
        *_images(report),
        *(
            folded(passage.heading, passage.heading, _bullets(passage.lines))
            for passage in view.passages
            if passage.heading != TROUBLES
        ),
        Part("facts of the audit", (markdown_text(" · ".join(view.facts)),)),
    ]


def _head(view: View, report: AuditReport) -> Iterator[Part]:
    """The title, how it compares with an earlier audit if that was asked for, and the verdict.

    A host alone has no verdict: what was asked for is the comparison then.
    """
    sign = f"{view.sign} " if view.sign else ""
    verdict = f"**{sign}{markdown_text(view.verdict[0])}**"
    title = (f"## {markdown_text(view.title)}", "")
    if report.compared is None:
        yield Part("the verdict", (*title, verdict))
        return
    headline, *lines = report.compared.lines
    mark = f"{report.compared.sign} " if report.compared.sign else ""
    told = f"**{mark}{markdown_text(_capital(headline))}**"
    yield Part("the comparison", (*title, told, "", *_bullets(lines)))
    if len({run.host for run in report.document.runs}) > 1:
        yield Part("the verdict", (verdict,))


def _overview(view: View) -> Iterator[Part]:
    """A row for hosts that behave alike, a column for each scenario."""
    if view.overview is None:
        return
    heads = ["hosts", *view.overview.scenarios]
    rows = [
        [markdown_text(name), *(_bold(cell.text, cell.odd) for cell in cells)]
        for name, cells in view.overview.rows
    ]
    below = [text for text in (view.overview.more, view.overview.key) if text]
    lines = markdown_rows(list(map(markdown_text, heads)), rows)
    lines += ["", markdown_text(". ".join(below))] if below else []
    yield Part("the overview", tuple(lines))


def _bold(text: str, bold: bool) -> str:
    return f"**{markdown_text(text)}**" if bold and text else markdown_text(text)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _places(view: View, *, is_open: bool) -> Iterator[Part]:
    """Where hosts differ, open where nothing says why."""
    places = view.verdict[1:]
    if view.share is not None:
        yield Part("what each kind keeps", tuple(_bullets(places)))
        return
    if places and is_open:
        yield _passage(Passage("Where hosts differ", places))
    elif places:
        summary = f"Where hosts differ ({view.differing})"
        yield folded("where hosts differ", summary, _bullets(places))


def _open_passages(view: View) -> Iterator[Part]:
    for passage in view.passages:
        if passage.heading == TROUBLES:
            yield _passage(passage)


def _passage(passage: Passage) -> Part:
    return Part(passage.heading, (f"### {passage.heading}", "", *_bullets(passage.lines)))


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {markdown_text(text)}" for text in texts]


def _why(reasons: Reasons) -> Iterator[Part]:
    for heading, members in reasons.sections:
        if heading == OTHERS:
            yield from _to_learn_more(reasons)
        for number, reason in enumerate(members):
            head = [] if number else [f"### {heading}", ""]
            yield Part(reason.name or reason.title, (*head, *_reason(reason)))
    if not reasons.others:
        yield from _to_learn_more(reasons)
    if reasons.rest:
        yield Part("how many more findings there are", (markdown_text(reasons.rest),))


def _to_learn_more(reasons: Reasons) -> Iterator[Part]:
    """What would tell more, next to what is unexplained."""
    if reasons.needs:
        lines = [line for need in reasons.needs for line in _need(need)]
        yield Part(NEEDS, (f"### {NEEDS}", "", *lines))


def _reason(reason: Reason) -> list[str]:
    name = f" {markdown_code(reason.name)}" if reason.name else ""
    return [
        f"- **{markdown_prose(reason.title)}**  ",
        f"  {markdown_text('; '.join(reason.facts))}{name}",
        *(f"  - {markdown_prose(text)}" for text in reason.evidence),
        *[f"  - and {reason.hidden} more"] * bool(reason.hidden),
        *[f"  - → {markdown_prose(reason.advice)}"] * bool(reason.advice),
        *(_to_paste(reason.commands) if reason.commands else ()),
        *(_whole(reason.whole) if reason.whole else ()),
    ]


def _need(need: Needed) -> list[str]:
    block = markdown_block([need.command], "sh") if need.command else []
    typed = ["", *(f"    {line}".rstrip() for line in block), ""] if block else []
    return [f"- {markdown_prose(need.text)}", *typed]


def _to_paste(commands: Sequence[Typed]) -> list[str]:
    """Commands as part of the advice's bullet, those of each platform in a block of their own, a
    long loop over hosts folded."""
    lines: list[str] = []
    for heading, members in groupby(commands, key=lambda command: command.heading):
        texts = [command.text for command in members]
        block = markdown_block(texts, "sh")
        if sum(map(len, texts)) > LONG_COMMANDS:
            summary = f"{heading or 'What to type:'} the whole command"
            lines += ["", *folded(summary, summary, block).lines]
        else:
            lines += ["", markdown_text(heading)] if heading else []
            lines += ["", *block]
    return [f"    {line}".rstrip() for line in lines]


def _whole(hosts: str) -> list[str]:
    """A list of hosts to be pasted, folded, as part of a bullet."""
    part = folded(WHOLE, WHOLE, markdown_block([hosts]))
    return ["", *(f"  {line}".rstrip() for line in part.lines)]


def _tables(view: View) -> Iterator[Part]:
    """A table for each scenario, and what its columns and words mean."""
    for key, columns in view.scenarios.items():
        scenario = columns[0].scenario
        differ = any(key in row.differs for row in view.rows)
        told = view.agreeing.get(key, "hosts differ" if differ else "")
        summary = f"{scenario}: {told}" if told else scenario
        used = {column.label for column in columns}
        folds = [f"{label} = {hosts}" for label, hosts in view.folded if label in used]
        lines = [*_bullets(folds), *[""] * bool(folds), *_table(view, columns)]
        yield folded(f"the steps of {scenario}", summary, lines)
    if view.scenarios and view.legend:
        yield folded("the legend", "What signs and words mean", _bullets(view.legend))


def _shared(share: ShareView) -> Iterator[Part]:
    for table in share.tables:
        yield Part(f"what was shared {table.title}", tuple(share_table.markdown_lines(table)))
    if share.legend:
        yield Part("the legend", (markdown_text(share.legend),))


def _failure(failure: Failure) -> Part:
    """What failed, with the last lines of its log."""
    where = f"{', '.join(failure.scenarios)} on {failure.hosts}"
    lines = [markdown_code(failure.step), ""] if failure.step else []
    lines += markdown_block(failure.tail) if failure.tail else []
    heading = f"{signs.RUN_STATES['failed'].sign} {where}: {failure.reason}"
    if not lines:
        return Part(f"how {where} failed", (f"**{markdown_text(heading)}**",))
    return folded(f"how {where} failed", heading, lines)


def _images(report: AuditReport) -> Iterator[Part]:
    """Images compared: the verdict open, the rest folded."""
    if report.outputs is None:
        return
    yield Part("the verdict on images", tuple(page.markdown_head(report.outputs)))
    for heading, lines in page.markdown_sections(report.outputs):
        if heading:
            yield folded(f"how images differ at {heading}", f"{page.HEADING}: {heading}", lines)
        elif lines[0].startswith("|"):
            yield folded("the table of images", "Images by step", lines)
        else:
            yield Part("what is ignored in images", tuple(lines))


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
    return _bold(text, cell.odd)


FORMAT = Format(
    render=render,
    title="Markdown",
    description="for a pull request or an issue",
    suffix="md",
    readers="people",
)
