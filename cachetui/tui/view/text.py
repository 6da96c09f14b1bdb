"""Lines of text: spans of text and tone, measured in terminal cells and cut with a sign. Pure.

Markup is never parsed: a span is plain text, and its tone stands for a style of the theme. Whatever
is drawn passes `clean_line` here, so no widget can forget it. Widths are Rich's, for Textual draws
by them.
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

CUT_SIGN = "…"
"""Stands where text was cut."""

_MAX_LENGTH = 8192


def clean_line(text: str) -> str:
    """One line that is safe to draw, at most `_MAX_LENGTH` characters long."""
    # Most text is printable throughout, and has nothing to clean.
    if text.isprintable() and len(text) <= _MAX_LENGTH:
        return text
    return cleaning.clean_line(text, _MAX_LENGTH)


def line(*parts: str | Span | Line) -> Line:
    """One line of spans, plain text and whole lines."""
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
    """The width of the line in terminal cells, once cleaned."""
    return sum(cell_len(clean_line(text)) for text, _ in spans)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut at its end with a sign."""
    text = clean_line(text)
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1).rstrip() + CUT_SIGN


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut in its middle: for names whose end matters most."""
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
    return set_cell_size(text, head).rstrip() + CUT_SIGN + end


def fit(spans: Line, width: int, align: Literal["left", "right"] = "left") -> Line:
    """The line in exactly `width` cells: cut with a sign, or padded."""
    if width <= 0:
        return ()
    cleaned = [(clean_line(text), tone) for text, tone in spans]
    total = sum(cell_len(text) for text, _ in cleaned)
    while total > width and cleaned and not cleaned[-1][0].strip():  # spaces need no sign
        total -= cell_len(cleaned.pop()[0])
    if total > width:
        shown: list[Span] = []
        left = width - 1
        for text, tone in cleaned:
            size = cell_len(text)
            if size > left:
                shown.append((set_cell_size(text, left) + CUT_SIGN, tone))
                return tuple(shown)
            shown.append((text, tone))
            left -= size
        return tuple(shown)
    if total < width:
        padding: Span = (" " * (width - total), "")
        return (padding, *cleaned) if align == "right" else (*cleaned, padding)
    return tuple(cleaned)


def joined(width: int, parts: Sequence[Line]) -> Line:
    """The first parts that fit into `width` cells, at least one, with a dot between them."""
    shown: Line = ()
    for number, part in enumerate(part for part in parts if part):
        longer = line(*shown, (" · ", "muted"), *part) if number else part
        if number and width_of(longer) > width:
            break
        shown = longer
    return shown


def label(text: str, width: int | None = None) -> Content:
    """Text for one of Textual's own widgets: cleaned, and never parsed as markup."""
    return Content(clean_line(text) if width is None else cut(text, width))
