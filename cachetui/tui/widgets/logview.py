"""A log of any length: only the lines in view are read, and a search runs beside it.

The text is read in chunks through `LogText`, which reads blocks of the file; nothing here grows
with the log but the numbers of the lines that a search found.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.records.step import StepId
from cachetui.store.log_blocks import LogError
from cachetui.store.log_text import Line as LogLine
from cachetui.store.log_text import LogText
from cachetui.tui import keys
from cachetui.tui.text import MARK, Line, Span, clean_line, fit, line
from cachetui.tui.widgets.canvas import Canvas

CHUNK = 256
_CHUNKS_KEPT = 16
_MOST_FOUND = 5_000_000

Gutter = Callable[[StepId | None], Span]


class Search:
    """A search that runs in a thread of its own; `found` grows while it does."""

    def __init__(self, text: LogText, words: str) -> None:
        self.words = words
        self.found: array[int] = array("Q")
        self.done = False
        self.error = ""
        self._text = text
        self._stopped = False
        threading.Thread(target=self._body, daemon=True, name="search").start()

    def stop(self) -> None:
        """Look no further."""
        self._stopped = True

    def _body(self) -> None:
        try:
            for number in self._text.search(self.words):
                if self._stopped or len(self.found) >= _MOST_FOUND:
                    break
                self.found.append(number)
        except (LogError, OSError, ValueError) as error:
            self.error = str(error)
        self.done = True


class LogView(Canvas):
    """Lines of a log, numbered, with a gutter that says whose they are when steps interleave."""

    BINDINGS: ClassVar = keys.LOG
    NUMBERS = True

    class Searched(Message):
        """The count of matches, or the match that one stands on, has changed."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogView:
            return self.view

    class Scrolled(Message):
        """Another line is on top, or another column on the left."""

        def __init__(self, view: LogView, line: int, left: int) -> None:
            super().__init__()
            self.view = view
            self.line = line
            self.left = left

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text: LogText | None = None
        self.search: Search | None = None
        self.here: int | None = None
        self.empty: tuple[Line, ...] = ((("Reading…", "muted"),),)
        self._gutter: Gutter | None = None
        self._gutter_width = 0
        self._chunks: OrderedDict[int, list[tuple[LogLine, str]]] = OrderedDict()
        self._widest = 0
        self._told: tuple[int, bool] = (-1, False)
        self._wanted: int | None = None

    # What is shown

    def show(
        self,
        text: LogText | None,
        *,
        gutter: Gutter | None = None,
        gutter_width: int = 0,
        empty: tuple[Line, ...] = (),
        follow: bool = False,
    ) -> None:
        """Show a log. With `follow` it is the same one, grown: the place in it is kept, and at
        the end one stays at the end."""
        at_end = follow and self.text is not None and self.at_end
        self.text = text
        self._gutter, self._gutter_width = gutter, gutter_width
        self.empty = empty or self.empty
        self._chunks.clear()
        if not follow:
            self._widest = 0
            self.end_search()
            self.scroll_to(0, 0, animate=False)
        self._size_virtual()
        if at_end:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        self.refresh()

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.text.lines if self.text is not None else 0

    @property
    def at_end(self) -> bool:
        """Whether the last line is in view."""
        return self.scroll_offset.y >= self.lines - self.size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled(self, round(new_value), self._left))

    def _size_virtual(self) -> None:
        self.virtual_size = Size(self.room, max(self.lines, 1))

    def on_resize(self) -> None:
        self._size_virtual()

    def _line(self, number: int) -> tuple[LogLine, str] | None:
        chunk = number // CHUNK
        kept = self._chunks.get(chunk)
        if kept is None:
            if self.text is None:
                return None
            try:
                lines = self.text.read(chunk * CHUNK, CHUNK)
            except (LogError, OSError, ValueError) as error:
                lines = [LogLine(None, f"cannot be read: {error}".encode())]
            kept = [(entry, clean_line(last_return(entry.text))) for entry in lines]
            self._chunks[chunk] = kept
            if len(self._chunks) > _CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        else:
            self._chunks.move_to_end(chunk)
        position = number - chunk * CHUNK
        return kept[position] if position < len(kept) else None

    def line_text(self, number: int) -> str:
        """A line as it is shown."""
        entry = self._line(number)
        return entry[1] if entry else ""

    # Moving

    def action_scroll_by(self, rows: int, columns: int = 0) -> None:
        """Scroll by rows and columns."""
        if columns:
            self._left = max(0, min(self._left + columns, max(0, self._widest - 8)))
            self.post_message(self.Scrolled(self, self.scroll_offset.y, self._left))
            self.refresh()
        else:
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    _left = 0

    def scroll_with(self, line: int, left: int) -> None:
        """Go where another log went, as far as this one has lines."""
        self._left = left
        self.scroll_to(y=line, animate=False)
        self.refresh()

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        rows = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_offset.y + round(pages * rows), animate=False)

    def action_edge(self, end: bool) -> None:
        """Go to the first or last line."""
        self.scroll_to(y=self.max_scroll_y if end else 0, animate=False)

    def go_to(self, number: int) -> None:
        """Bring a line into view, a third down from the top."""
        top = self.scroll_offset.y
        if not top <= number < top + self.size.height:
            self.scroll_to(y=max(0, number - self.size.height // 3), animate=False)
        self.refresh()

    # Searching

    def find(self, words: str) -> None:
        """Search for words from the line on top; the first match comes into view."""
        self.end_search()
        if not words or self.text is None:
            return
        self.search = Search(self.text, words)
        self._wanted = self.scroll_offset.y
        self._told = (-1, False)
        self._watch_search()

    def end_search(self) -> None:
        """Forget the search."""
        if self.search is not None:
            self.search.stop()
        self.search = None
        self.here = None
        self._wanted = None
        self.refresh()
        self.post_message(self.Searched(self))

    def _watch_search(self) -> None:
        search = self.search
        if search is None:
            return
        state = (len(search.found), search.done)
        if state != self._told:
            self._told = state
            if self._wanted is not None and search.found:
                at = bisect_left(search.found, self._wanted)
                if at < len(search.found) or search.done:
                    self._stand_on(at if at < len(search.found) else 0)
                    self._wanted = None
            self.refresh()
            self.post_message(self.Searched(self))
        if not search.done:
            self.set_timer(0.05, self._watch_search)

    def next_match(self, by: int) -> None:
        """Go to the next match, or the previous; around the end."""
        search = self.search
        if search is None or not search.found:
            return
        line_here = self.here if self.here is not None else self.scroll_offset.y
        if by > 0:
            at = bisect_right(search.found, line_here)
        else:
            at = bisect_left(search.found, line_here) - 1
        self._stand_on(at % len(search.found))

    def _stand_on(self, position: int) -> None:
        assert self.search is not None
        self.here = self.search.found[position]
        self.go_to(self.here)
        self.post_message(self.Searched(self))

    def count(self) -> str:
        """The matches in words: "3 of 120 lines", "120 lines so far", ""."""
        search = self.search
        if search is None:
            return ""
        if search.error:
            return search.error
        total = len(search.found)
        more = "" if search.done else "+"
        if not total:
            return "no match" if search.done else "searching…"
        if self.here is None:
            return f"{total}{more} lines"
        return f"{bisect_left(search.found, self.here) + 1} of {total}{more} lines"

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.room
        number = self.scroll_offset.y + y
        if self.lines == 0:
            return self.paint(self.empty[y] if y < len(self.empty) else (), width)
        entry = self._line(number) if number < self.lines else None
        if entry is None:
            return self.paint((), width)
        log_line, text = entry
        digits = len(str(self.lines))
        head: Line = ()
        if self.NUMBERS and width >= 40:
            is_here = number == self.here
            head = ((f"{number + 1:>{digits}} ", "here" if is_here else "muted"),)
        if self._gutter is not None:
            name, tone = self._gutter(log_line.step)
            head = line(*head, *fit(((name, tone),), self._gutter_width), ("│", "muted"))
        used = sum(cell_len(part) for part, _ in head)
        size = cell_len(text)
        if size > self._widest:
            self._widest = size
        body = self._found_in(text)
        if self._left:
            body = _shifted(body, self._left)
        return self.paint(line(*head, *fit(body, max(0, width - used))), width)

    def _found_in(self, text: str) -> Line:
        """The line with what was searched for marked."""
        words = self.search.words.lower() if self.search is not None else ""
        if not words:
            return ((text, ""),)
        spans: list[Span] = []
        lower, at = text.lower(), 0
        if len(lower) != len(text):
            return ((text, ""),)
        while (found := lower.find(words, at)) >= 0:
            spans += [(text[at:found], ""), (text[found : found + len(words)], "found")]
            at = found + len(words)
        spans.append((text[at:], ""))
        return tuple(spans)


def last_return(text: str) -> str:
    """What a terminal would leave of a line that was overwritten by carriage returns."""
    text = text.rstrip("\r")
    return text.rsplit("\r", 1)[-1] if "\r" in text else text


def _shifted(spans: Line, by: int) -> Line:
    """The line without its first `by` characters, with a mark where they were."""
    left = by + 1
    kept: list[Span] = [(MARK, "muted")]
    for text, tone in spans:
        if left >= len(text):
            left -= len(text)
            continue
        kept.append((text[left:], tone))
        left = 0
    return tuple(kept)
