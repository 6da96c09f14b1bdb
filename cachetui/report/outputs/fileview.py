"""How a file differs, as text for the terminal."""

from __future__ import annotations

from cachetui.outputs.filediff import FileDifference
from cachetui.report import cells
from cachetui.report.clean import clean_line
from cachetui.report.style import paint
from cachetui.report.units import size

_STYLES = {"-": "failed", "+": "hit", "@": "dim"}


def render_file(
    found: FileDifference, path: str, a: str, b: str, *, width: int, color: bool
) -> str:
    """A diff under its summary, lines of at most `width` cells, ending in a newline. `a` and `b`
    name the two images."""
    head = f"{clean_line(path)}: {found.summary}"
    lines = [paint(line, "bold", color) for line in cells.wrap(head, width)]
    for sign, name, bytes_ in (("-", a, found.size_a), ("+", b, found.size_b)):
        text = cells.clip(f"{sign} {clean_line(name)} ({size(bytes_)})", width)
        lines.append(paint(text, _STYLES[sign], color))
    for line in found.lines:
        sign = "@@" if line.sign == "@" else line.sign
        text = cells.clip(f"{sign} {clean_line(line.text)}", width)
        lines.append(paint(text, _STYLES.get(line.sign, ""), color))
    if found.more:
        lines.append(paint(f"… and {found.more} more lines", "dim", color))
    return "\n".join(lines) + "\n"
