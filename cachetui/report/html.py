"""An audit as one HTML page that needs nothing from elsewhere and runs no script.

Every text goes through `_t`, which escapes it; its policy forbids the page to load anything or
to run a script even if that were forgotten.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable
from importlib import resources

from cachetui.dockerfile.parse import Dockerfile, DockerfileError, parse
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.report import hosts as fleet
from cachetui.report import units
from cachetui.report.gantt import gantt
from cachetui.report.outputs import page
from cachetui.report.passages import LogTail
from cachetui.report.reasons import HEADING, NOTHING, UNEXPLAINED, Reasons
from cachetui.report.view import Cell, Column, View, lay_out

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(
    document: Document,
    log_tail: LogTail,
    now: float,
    reasons: Reasons = NOTHING,
    outputs: OutputsReport | None = None,
) -> str:
    """The page: verdict, why, table, what came out, what failed, timelines, hosts, notes.

    `log_tail` gives the last lines of a failed step's log; `now` is the time of writing in
    seconds since the epoch; `outputs` is what came out.
    """
    view = lay_out(document, log_tail)
    style = resources.files("cachetui.report").joinpath("page.css").read_text("utf-8")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_t(view.title)}: build cache audit</title>",
        f"<style>{style}</style></head><body>",
        *_head(document, view, now),
        *_why(reasons),
        *_steps(view),
        *(page.html(outputs) if outputs is not None else ()),
        *_failures(view),
        *_timelines(document, view),
        *_hosts(document),
        *_passages(view),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _t(text: str) -> str:
    return html.escape(text, quote=True)


def _head(document: Document, view: View, now: float) -> Iterable[str]:
    headline, *places = view.verdict
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(document.started_at))
    facts = [*view.facts, f"{began} ({units.age(now - document.started_at)})"]
    yield f"<header><h1>{_t(view.title)}</h1>"
    yield f'<p class="facts">{_t(" · ".join(facts))}</p></header>'
    sign = "≠ " if view.differ else ""
    yield f'<section class="verdict{" differ" if view.differ else ""}">'
    yield f"<p>{sign}{_t(headline)}</p>"
    if places:
        yield f"<ul>{''.join(f'<li>{_t(place)}</li>' for place in places)}</ul>"
    yield "</section>"


def _why(reasons: Reasons) -> Iterable[str]:
    """What was found, a part to be opened each, with its evidence."""
    for heading, members in ((HEADING, reasons.told), (UNEXPLAINED, reasons.unexplained)):
        if members:
            yield f"<h2>{heading}</h2>"
        for one in members:
            known = filter(None, [one.sure if one.name else "", one.cost, one.facts, one.name])
            yield f'<details class="reason"{" open" if len(members) <= 3 else ""}>'
            yield f"<summary>{_t(one.title)}"
            yield f'<span class="facts">{_t(" · ".join(known))}</span></summary>'
            facts = "".join(f"<li>{_t(text)}</li>" for text in one.evidence)
            yield f"<ul>{facts}</ul>" if facts else ""
            yield f'<p class="advice">→ {_t(one.advice)}</p>' if one.advice else ""
            yield "</details>"
    if reasons.needs:
        needs = "".join(f"<li>{_t(text)}</li>" for text in reasons.needs)
        yield f"<h2>Would tell more</h2><ul>{needs}</ul>"


def _steps(view: View) -> Iterable[str]:
    """The table: a row a step, a column a host and scenario."""
    if not view.scenarios:
        return
    columns = [column for block in view.scenarios.values() for column in block]
    firsts = {id(block[0]) for block in view.scenarios.values()}
    yield '<h2>Steps</h2><div class="wide"><table><thead>'
    heads = (
        f'<th class="scenario" colspan="{len(block)}">{_t(block[0].scenario)}</th>'
        for block in view.scenarios.values()
    )
    yield f'<tr><th></th><th class="step"></th>{"".join(heads)}</tr>'
    labels = (f"<th{_first(column, firsts)}>{_t(column.label)}</th>" for column in columns)
    yield f'<tr><th>line</th><th class="step">step</th>{"".join(labels)}</tr></thead><tbody>'
    stage = ""
    for position, row in enumerate(view.rows):
        if row.stage != stage:
            stage = row.stage
            across = f'<th colspan="{len(columns) + 1}">{_t(stage)}</th>'
            yield f'<tr class="stage"><th></th>{across}</tr>'
        cells = (_cell(column.cells[position], id(column) in firsts) for column in columns)
        mark = ' class="differs"' if row.differs else ""
        sign = "≠ " if row.differs else ""
        yield f'<tr{mark}><td class="figure">{sign}{row.line}</td>'
        text = _t(row.instruction)
        yield f'<td class="step" title="{text}">{text}</td>{"".join(cells)}</tr>'
    yield "</tbody><tfoot>"
    for name, texts in (
        ("hits", [column.ratio for column in columns]),
        ("seconds", [column.seconds for column in columns]),
        ("result", [column.ending for column in columns]),
        ("from the store", [column.stored for column in columns]),
    ):
        if any(texts):
            cells = (
                f"<td{_first(column, firsts)}>{_t(text)}</td>"
                for column, text in zip(columns, texts, strict=True)
            )
            yield f'<tr><th></th><th class="step">{name}</th>{"".join(cells)}</tr>'
    yield "</tfoot></table></div>"
    for label, names in view.folded:
        yield f'<p class="legend">{_t(label)} = {_t(names)}</p>'
    yield f'<p class="legend">{_t("; ".join(view.legend))}</p>'


def _first(column: Column, firsts: set[int]) -> str:
    return ' class="first"' if id(column) in firsts else ""


def _cell(cell: Cell, first: bool) -> str:
    names = [cell.status, *["odd"] * cell.odd, *["first"] * first]
    seconds = f' <span class="seconds">{_t(cell.seconds)}</span>' if cell.seconds else ""
    return f'<td class="{" ".join(names)}">{_t(f"{cell.sign} {cell.word}".strip())}{seconds}</td>'


def _failures(view: View) -> Iterable[str]:
    if view.failures:
        yield "<h2>Failed</h2>"
    for failure in view.failures:
        where = f"{', '.join(failure.scenarios)} on {failure.hosts}"
        yield f'<h3 class="failed">✗ {_t(where)}: {_t(failure.reason)}</h3>'
        if failure.step:
            yield f"<p><code>{_t(failure.step)}</code></p>"
        if failure.tail:
            yield f"<pre>{_t(chr(10).join(failure.tail))}</pre>"


def _timelines(document: Document, view: View) -> Iterable[str]:
    """A timeline for each column, of its first run; those of a scenario on one scale."""
    try:
        dockerfile: Dockerfile | None = parse(document.build.dockerfile_text)
    except DockerfileError:
        dockerfile = None
    started = False
    for scenario, columns in view.scenarios.items():
        runs = []
        for column in columns:
            mine = (run for run in document.runs if run.scenario == scenario)
            run = next((one for one in mine if one.host in column.hosts), None)
            if run is not None and any(step.finished is not None for step in run.steps):
                runs.append((column.label, run))
        if not runs:
            continue
        if not started:
            started = True
            yield "<h2>Where the time went</h2>"
            yield '<p class="legend">◆ and a full bar: the chain of steps that decided when the '
            yield "build ended. Bars below each other at the same time are steps that ran side by "
            yield "side.</p>"
        yield f"<details open><summary>{_t(columns[0].scenario)}</summary>"
        yield from gantt(runs, dockerfile)
        yield "</details>"


def _hosts(document: Document) -> Iterable[str]:
    yield '<h2>Hosts</h2><div class="wide"><table><thead><tr>'
    yield "".join(f"<th>{_t(heading)}</th>" for heading in fleet.HEADINGS) + "</tr></thead><tbody>"
    for report in document.hosts:
        cells = "".join(f"<td>{_t(text)}</td>" for text in fleet.facts(report))
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"
    for remark in fleet.remarks(document.hosts):
        yield f"<p>{_t(remark)}</p>"


def _passages(view: View) -> Iterable[str]:
    for passage in view.passages:
        lines = "".join(f"<li>{_t(line)}</li>" for line in passage.lines)
        yield f"<h2>{_t(passage.heading)}</h2><ul>{lines}</ul>"
