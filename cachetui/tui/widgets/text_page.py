"""A scrolling page of lines: help, commands, a diff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.strip import Strip

from cachetui.tui.view import keys
from cachetui.tui.view.text import Line
from cachetui.tui.widgets.canvas import Canvas


class TextPage(Canvas):
    """Any number of lines; long ones are cut at the right with a sign."""

    BINDINGS: ClassVar = keys.LINES

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = tuple(lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines instead, from the top."""
        self._lines = tuple(lines)
        self._size_virtual()
        self.scroll_to(y=0, animate=False)
        self.refresh(layout=True)

    def _size_virtual(self) -> None:
        self.virtual_size = Size(self.room, len(self._lines))

    def on_mount(self) -> None:
        self._size_virtual()

    def on_resize(self) -> None:
        self._size_virtual()

    def get_content_height(self, *_: object) -> int:
        return len(self._lines)

    def action_scroll_by(self, rows: int) -> None:
        """Scroll by rows."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        rows = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_offset.y + round(pages * rows), animate=False)

    def action_edge(self, end: bool) -> None:
        """Go to the first or last line."""
        self.scroll_to(y=self.max_scroll_y if end else 0, animate=False)

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        spans = self._lines[number] if number < len(self._lines) else ()
        return self.paint(spans, self.room)
