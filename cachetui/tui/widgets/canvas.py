"""The base classes of widgets that draw lines: spans in, strips out, tones from the theme."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from cachetui.tui.view.text import Line, fit
from cachetui.tui.view.themes import tone_styles


class LineWidget(Widget):
    """A widget that draws lines of spans in the colours of the theme."""

    def paint(self, spans: Line, width: int, base: Style | None = None) -> Strip:
        """The line in exactly `width` cells: cleaned, cut with a mark, padded."""
        style = self.rich_style if base is None else base
        tones = tone_styles(self.app)
        segments = [
            Segment(text, style + tones[tone] if tone else style)
            for text, tone in fit(spans, width)
        ]
        return Strip(segments, max(0, width))


class Canvas(ScrollView, LineWidget, can_focus=True):
    """A scrolling widget that draws only the lines in view."""

    DEFAULT_CSS = """
    Canvas {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    @property
    def room(self) -> int:
        """The width of a line in cells, without the scrollbar."""
        return self.scrollable_content_region.width
