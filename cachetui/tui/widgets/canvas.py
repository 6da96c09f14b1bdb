"""The base of every widget that draws lines: spans in, strips out, tones from the theme."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from cachetui.tui.text import Line, fit
from cachetui.tui.themes import tone_styles


class Paint(Widget):
    """A widget that draws lines of spans in the tones of the theme."""

    def paint(self, spans: Line, width: int, base: Style | None = None) -> Strip:
        """The line in exactly `width` cells: cleaned, cut with a mark, padded."""
        style = self.rich_style if base is None else base
        tones = tone_styles(self.app)
        segments = [
            Segment(text, style + tones[tone] if tone else style)
            for text, tone in fit(spans, width)
        ]
        return Strip(segments, max(0, width))


class Canvas(ScrollView, Paint, can_focus=True):
    """A scrolling widget that draws the lines that are in view, and no others."""

    DEFAULT_CSS = """
    Canvas {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    @property
    def room(self) -> int:
        """Cells across that a line has: less what the scrollbar takes."""
        return self.scrollable_content_region.width


class Plate(Paint):
    """A few fixed lines of spans: facts, titles, hints. Not focusable."""

    DEFAULT_CSS = """
    Plate {
        height: auto;
        width: 1fr;
        &.-empty { border: none; }
    }
    """

    def __init__(self, *lines: Line, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = lines
        self.set_class(not lines, "-empty")

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def show(self, *lines: Line) -> None:
        """Show other lines; the height follows when it is automatic."""
        if lines == self._lines:
            return
        taller = len(lines) != len(self._lines)
        self._lines = lines
        self.set_class(not lines, "-empty")
        self.refresh(layout=taller)

    def get_content_height(self, *_: object) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        spans = self._lines[y] if y < len(self._lines) else ()
        return self.paint(spans, self.size.width)
