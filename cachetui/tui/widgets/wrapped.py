"""A page of lines that are broken to the width there is, and again when that changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.tui.text import Line
from cachetui.tui.widgets.lines import Lines

Source = Callable[[int], Sequence[Line]]
"""Gives the lines for a width in cells."""


class Wrapped(Lines):
    """Lines that a source makes for the room there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._source: Source = lambda _: ()
        self._key: object = None

    def tell(self, key: object, source: Source) -> None:
        """Show what `source` gives; the same `key` is the same text, and stays where it is."""
        if key != self._key:
            self._key, self._source = key, source
            self.show(source(self.room))

    def on_resize(self) -> None:
        at = self.scroll_offset.y
        self.show(self._source(self.room))
        self.scroll_to(y=at, animate=False)
