"""The tables of an experiment with shared caches, as text for a terminal and as Markdown."""

from __future__ import annotations

from cachetui.report import cells
from cachetui.report.escape import markdown_code, markdown_rows, markdown_text
from cachetui.report.share import ShareRow, ShareTable, ShareView
from cachetui.report.style import paint

_LABEL_MAX = 52
STYLES = {"✓": "hit", "○": "miss", "✗": "failed", "·": "dim", "–": "dim"}
"""The sign that a cell begins with → its style, which HTML has as a class."""


def text_lines(view: ShareView, width: int, color: bool) -> list[str]:
    """The tables, each within `width` cells, in parts where they are wider; then the legend."""
    lines: list[str] = []
    for table in view.tables:
        lines += ["", *_text(table, width, color)]
    legend = cells.wrap(view.legend, width) if view.legend else []
    lines += [""] * bool(legend) + [paint(line, "dim", color) for line in legend]
    return lines


def _text(table: ShareTable, width: int, color: bool) -> list[str]:
    rows = (*table.rows, *table.totals)
    number = max((len(str(row.line)) for row in table.rows), default=0)
    longest = max(cells.width(table.title), *(cells.width(row.text) + number + 1 for row in rows))
    wide = [
        max(cells.width(name), *(cells.width(row.cells[at]) for row in rows))
        for at, name in enumerate(table.columns)
    ]
    label = max(24, min(_LABEL_MAX, longest, width - sum(wide) - 2 * len(wide)))
    lines: list[str] = []
    for part in _parts(wide, width - label):
        lines += [""] * bool(lines) + _part(table, part, wide, label, number, color)
    return [line.rstrip() for line in lines]


def _parts(wide: list[int], room: int) -> list[list[int]]:
    """The columns in as few parts as fit; the first, the cold build, stands in each."""
    parts: list[list[int]] = [[0]]
    left = room - wide[0] - 2
    for at in range(1, len(wide)):
        if wide[at] + 2 > left and len(parts[-1]) > 1:
            parts.append([0])
            left = room - wide[0] - 2
        parts[-1].append(at)
        left -= wide[at] + 2
    return parts


def _part(
    table: ShareTable, part: list[int], wide: list[int], label: int, number: int, color: bool
) -> list[str]:
    def across(name: str, texts: tuple[str, ...], *, plain: bool = False) -> str:
        line = cells.pad(name, label)
        for at in part:
            text = cells.pad(texts[at], wide[at])
            line += "  " + (text if plain else paint(text, STYLES.get(texts[at][:1], ""), color))
        return line

    lines = [paint(across(table.title, table.columns, plain=True), "bold", color)]
    stage = ""
    for row in table.rows:
        if row.stage != stage:
            stage = row.stage
            lines.append(paint(cells.clip(f"── {stage} ──", label), "dim", color))
        name = f"{row.line:{number}} {cells.shorten(row.text, label - number - 1)}"
        lines.append(across(name, row.cells))
    if table.rows:
        lines.append(paint("─" * (label + sum(wide[at] + 2 for at in part)), "dim", color))
    return lines + [across(row.text, row.cells) for row in table.totals]


def markdown_lines(table: ShareTable) -> list[str]:
    """A table as Markdown, under its title."""
    rows = (*table.rows, *table.totals)
    head = ["line", "step", *map(markdown_text, table.columns)]
    return [f"### {markdown_text(table.title)}", "", *markdown_rows(head, map(_cells, rows))]


def _cells(row: ShareRow) -> list[str]:
    name = markdown_text(row.text) if row.line is None else markdown_code(row.text)
    return [str(row.line or ""), name, *map(markdown_text, row.cells)]
