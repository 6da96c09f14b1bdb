"""The diff of a file, for the terminal."""

from __future__ import annotations

from cachetui.outputs.filediff import FileDifference
from cachetui.report import cells
from cachetui.report.clean import clean_line
from cachetui.report.style import paint
from cachetui.report.units import size

_STYLES = {"-": "failed", "+": "hit", "@": "dim"}


def render_file(
    difference: FileDifference, path: str, a: str, b: str, *, width: int, color: bool
) -> str:
    """A diff under its summary, lines of at most `width` cells, ending in a newline. `a` and `b`
    name the two images."""
    head = f"{clean_line(path)}: {difference.summary}"
    lines = [paint(line, "bold", color) for line in cells.wrap(head, width)]
    for sign, name, bytes_ in (("-", a, difference.size_a), ("+", b, difference.size_b)):
        text = cells.clip(f"{sign} {clean_line(name)} ({size(bytes_)})", width)
        lines.append(paint(text, _STYLES[sign], color))
    for line in difference.lines:
        sign = "@@" if line.sign == "@" else line.sign
        text = cells.clip(f"{sign} {clean_line(line.text)}", width)
        lines.append(paint(text, _STYLES.get(line.sign, ""), color))
    if difference.more:
        lines.append(paint(f"… and {difference.more} more lines", "dim", color))
    return "\n".join(lines) + "\n"
