"""A report as passages for Markdown and HTML: what is in the terminal's table, for a page."""

from __future__ import annotations

import html as _html
from collections.abc import Iterator

from cachetui.outputs.outputs_report import OutputsReport
from cachetui.report.clean import clean_line
from cachetui.report.escape import markdown_code, markdown_rows, markdown_text
from cachetui.report.outputs import view

LISTED = 50
"""Paths of a step on a page; the JSON has more."""


def markdown(report: OutputsReport) -> list[str]:
    """Lines of Markdown, the verdict first, under a heading of the second level."""
    headline, places = view.verdict(report)
    lines = ["## What came out", "", f"**{_sign(report)} {markdown_text(headline)}**", ""]
    lines += [f"- {markdown_text(place)}" for place in places]
    lines += [""] * bool(places)
    for name, who in _groups(report):
        lines.append(f"{markdown_text(name)} = {markdown_text(who)}  ")
    shown = view.shown_groups(report)
    rows = view.rows(report)
    if rows:
        heading = ["line", "step", *(markdown_text(group.name) for group in shown)]
        body = [
            [
                str(row.line or ""),
                markdown_code(row.instruction),
                *(markdown_text(cell.text) for cell in row.cells),
            ]
            for row in rows
        ]
        lines += ["", *markdown_rows(heading, body)]
    for head, paths, more in _paths(report):
        lines += ["", f"### {markdown_text(head)}", ""]
        lines += [
            f"- {sign} {markdown_code(path)} {markdown_text(told)}" for sign, path, told in paths
        ]
        lines += [f"- … and {more} more"] if more else []
    settings = _settings(report)
    if settings:
        lines += ["", "### Configuration", "", *(f"- {markdown_text(one)}" for one in settings)]
    ignored = view.ignored(report)
    return [*lines, *(["", markdown_text(ignored)] if ignored else [])]


def html(report: OutputsReport) -> list[str]:
    """Lines of HTML: a `<section>` that a page takes in. All text is escaped."""
    headline, places = view.verdict(report)
    differ = " differ" if len(report.groups) > 1 else ""
    parts = ["<section><h2>What came out</h2>", f'<div class="verdict{differ}">']
    parts.append(f"<p>{_t(_sign(report))} {_t(headline)}</p>")
    if places:
        parts += ["<ul>", *(f"<li>{_t(place)}</li>" for place in places), "</ul>"]
    parts.append("</div>")
    parts += [f"<p>{_t(name)} = {_t(who)}</p>" for name, who in _groups(report)]
    shown = view.shown_groups(report)
    rows = view.rows(report)
    if rows:
        names = "".join(f"<th>{_t(group.name)}</th>" for group in shown)
        heads = f'<th>line</th><th class="step">step</th>{names}'
        parts.append(f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>')
        for row in rows:
            cells = "".join(f"<td>{_t(cell.text)}</td>" for cell in row.cells)
            text = _t(row.instruction)
            step = f'<td class="step" title="{text}">{text}</td>'
            mark = ' class="differs"' if row.differs else ""
            parts.append(f'<tr{mark}><td class="figure">{row.line or ""}</td>{step}{cells}</tr>')
        parts.append("</tbody></table></div>")
    for head, paths, more in _paths(report):
        parts += [f"<h3>{_t(head)}</h3>", "<ul>"]
        parts += [
            f"<li>{_t(sign)} <code>{_t(path)}</code> {_t(told)}</li>" for sign, path, told in paths
        ]
        parts += [f"<li>… and {more} more</li>"] if more else []
        parts.append("</ul>")
    settings = _settings(report)
    if settings:
        parts += [
            "<h3>Configuration</h3><ul>",
            *(f"<li>{_t(one)}</li>" for one in settings),
            "</ul>",
        ]
    ignored = view.ignored(report)
    return [*parts, *([f"<p>{_t(ignored)}</p>"] if ignored else []), "</section>"]


def _t(text: str) -> str:
    return _html.escape(text, quote=True)


def _sign(report: OutputsReport) -> str:
    return "=" if report.same else "≠" if len(report.groups) > 1 else "–"


def _groups(report: OutputsReport) -> Iterator[tuple[str, str]]:
    for group in report.groups:
        baseline = " (baseline)" if group is report.groups[0] else ""
        yield group.name, view.members(group, report.images) + baseline
    for image in report.images:
        if image.group is None:
            yield "–", f"{clean_line(image.label)}: {clean_line(image.reason or '')}"


def _paths(report: OutputsReport) -> Iterator[tuple[str, list[tuple[str, str, str]], int]]:
    """For each step with paths that differ: its heading, (sign, path, how), how many more."""
    shown = view.shown_groups(report)
    for row in view.rows(report):
        found, more = view.paths(row, shown)
        if not found:
            continue
        listed = [
            (
                one.sign,
                one.path,
                view.what(one.difference, report.groups[0].name, ", ".join(one.groups))
                + (f" ({', '.join(one.groups)})" if len(shown) > 1 else ""),
            )
            for one in found[:LISTED]
        ]
        head = f"line {row.line} {row.instruction}" if row.line else row.instruction
        yield head, listed, more + max(0, len(found) - LISTED)


def _settings(report: OutputsReport) -> list[str]:
    """Settings that differ, each with its group."""
    found: list[str] = []
    for group in view.shown_groups(report):
        for one in group.difference.settings:
            values = ["not set" if value is None else value for value in (one.a, one.b)]
            found.append(clean_line(f"{one.name}: {values[0]} and {values[1]} ({group.name})"))
    return found
