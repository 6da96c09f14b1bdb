"""Lines as spans of text and tone, measured in terminal cells and cut with a mark.

Markup is never parsed: a span is text, and its tone names a component style. Whatever is drawn
passes `clean_line`, so that no widget can forget it. Widths are rich's, as Textual draws by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from cachetui.report import clean as cleaning

Tone: TypeAlias = Literal[
    "",
    "good",
    "bad",
    "warn",
    "muted",
    "accent",
    "strong",
    "odd",
    "found",
    "here",
    "title",
    "tab",
    "key",
]
Span: TypeAlias = tuple[str, Tone]
Line: TypeAlias = tuple[Span, ...]

MARK = "…"
"""What stands where text was cut."""

_CAP = 8192


def clean_line(text: str) -> str:
    """One line that is safe to draw. What is printable throughout has nothing to clean."""
    if text.isprintable() and len(text) <= _CAP:
        return text
    return cleaning.clean_line(text, _CAP)


def line(*parts: str | Span | Line) -> Line:
    """Put spans, plain text and whole lines together."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            spans.append((part, ""))
        elif part and isinstance(part[0], str):
            spans.append(part)
        else:
            spans.extend(part)
    return tuple(spans)


def plain(spans: Line) -> str:
    """The line's text without tones."""
    return "".join(text for text, _ in spans)


def width_of(spans: Line) -> int:
    """How many terminal cells the line takes once cleaned."""
    return sum(cell_len(clean_line(text)) for text, _ in spans)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut at its end with a mark."""
    text = clean_line(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + MARK


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut in its middle: for names whose end tells most."""
    text = clean_line(text)
    if cell_len(text) <= width:
        return text
    if width < 4:
        return cut(text, width)
    head = (width - 1) // 2
    tail = width - 1 - head
    end = text
    while cell_len(end) > tail:
        end = end[1:] if len(end) < tail * 2 else end[-tail:]
    return set_cell_size(text, head).rstrip() + MARK + end


def fit(spans: Line, width: int, align: Literal["left", "right"] = "left") -> Line:
    """The line in exactly `width` cells: cut with a mark, or padded."""
    if width <= 0:
        return ()
    cleaned = [(clean_line(text), tone) for text, tone in spans]
    total = sum(cell_len(text) for text, _ in cleaned)
    while total > width and cleaned and not cleaned[-1][0].strip():  # blanks need no mark
        total -= cell_len(cleaned.pop()[0])
    if total > width:
        kept: list[Span] = []
        left = width - 1
        for text, tone in cleaned:
            size = cell_len(text)
            if size > left:
                kept.append((set_cell_size(text, left) + MARK, tone))
                return tuple(kept)
            kept.append((text, tone))
            left -= size
        return tuple(kept)
    if total < width:
        padding: Span = (" " * (width - total), "")
        return (padding, *cleaned) if align == "right" else (*cleaned, padding)
    return tuple(cleaned)


def joined(width: int, parts: Sequence[Line]) -> Line:
    """The parts with a dot between them, as many from the first on as have room; the first
    always."""
    shown: Line = ()
    for number, part in enumerate(part for part in parts if part):
        longer = line(*shown, (" · ", "muted"), *part) if number else part
        if number and width_of(longer) > width:
            break
        shown = longer
    return shown


def label(text: str, width: int | None = None) -> Content:
    """Text for a widget of Textual's own: cleaned, and never parsed as markup."""
    return Content(clean_line(text) if width is None else cut(text, width))
