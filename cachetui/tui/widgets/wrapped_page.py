"""A page of text that is wrapped to its width, and again when that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.tui.view.text import Line
from cachetui.tui.widgets.text_page import TextPage

Source = Callable[[int], Sequence[Line]]
"""Returns the lines for a width in cells."""


class WrappedPage(TextPage):
    """A page whose lines a source makes for its width: a scrollbar that comes takes none of it."""

    DEFAULT_CSS = """
    WrappedPage { scrollbar-gutter: stable; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source: Source = lambda _: ()
        self._key: object = None

    def show_source(self, key: object, source: Source) -> None:
        """Show the lines of `source`; nothing changes for the same `key` as before."""
        if key != self._key:
            self._key, self._source = key, source
            self.show(source(self.room))

    def on_resize(self) -> None:
        at = self.scroll_offset.y
        self.show(self._source(self.room))
        self.scroll_to(y=at, animate=False)
