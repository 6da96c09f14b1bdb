"""A few lines of text that do not scroll: facts, titles, hints."""

from __future__ import annotations

from textual.strip import Strip

from cachetui.tui.view.text import Line
from cachetui.tui.widgets.canvas import LineWidget


class TextPanel(LineWidget):
    """Lines of spans, as high as they are many; cannot be focused."""

    DEFAULT_CSS = """
    TextPanel {
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
        """The lines shown."""
        return self._lines

    def show(self, *lines: Line) -> None:
        """Show these lines instead; the height follows when it is automatic."""
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
