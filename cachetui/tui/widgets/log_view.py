"""A log of any length: only the lines in view are read, and a search runs in a thread.

Nothing here grows with the log but the line numbers that a search found.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.records.step import StepId
from cachetui.store.log_text import LogText
from cachetui.tui.view import keys
from cachetui.tui.view.text import CUT_SIGN, Line, Span, fit, line
from cachetui.tui.widgets.canvas import Canvas
from cachetui.tui.widgets.chunked_log import ChunkedLog
from cachetui.tui.widgets.log_search import LogSearch

Gutter = Callable[[StepId | None], Span]
"""Returns what stands before the lines of a step; of None for lines of no step."""


class LogView(Canvas):
    """Numbered lines of a log, with a gutter that names their step when steps interleave."""

    BINDINGS: ClassVar = keys.LOG
    NUMBERS = True

    class Searched(Message):
        """The number of matches changed, or the current match."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogView:
            return self.view

    class Scrolled(Message):
        """The log was scrolled: `line` is on top, `left` cells are out of view at the left."""

        def __init__(self, view: LogView, line: int, left: int) -> None:
            super().__init__()
            self.view = view
            self.line = line
            self.left = left

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text: LogText | None = None
        self.search: LogSearch | None = None
        self.here: int | None = None
        self.matches_only = False
        self.empty: tuple[Line, ...] = ((("Reading…", "muted"),),)
        self._gutter: Gutter | None = None
        self._gutter_width = 0
        self._log: ChunkedLog | None = None
        self._widest = 0
        self._left = 0
        self._reported: tuple[int, bool] = (-1, False)
        self._search_from: int | None = None

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
        """Show a log. With `follow` it is the same log, grown: it is scrolled only to its new end,
        and only when its end was in view."""
        at_end = follow and self.text is not None and self.at_end
        self.text = text
        self._gutter, self._gutter_width = gutter, gutter_width
        self.empty = empty or self.empty
        self._log = ChunkedLog(text) if text is not None else None
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
        return self.scroll_offset.y >= self.rows - self.size.height

    @property
    def rows(self) -> int:
        """How many lines are shown: all, or those that match."""
        return len(self._shown) if self._shown is not None else self.lines

    @property
    def _shown(self) -> Sequence[int] | None:
        """The numbers of the lines that are shown; None where all are."""
        return self.search.matches if self.matches_only and self.search is not None else None

    def number_of(self, row: int) -> int:
        """Which line stands in a row, both from 0; beyond the last row the number of lines."""
        shown = self._shown
        if shown is None:
            return row
        return shown[row] if row < len(shown) else self.lines

    def _row_of(self, number: int) -> int:
        """Where a line stands, or the next one that is shown."""
        shown = self._shown
        return number if shown is None else bisect_left(shown, number)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value) and not self.matches_only:
            self.post_message(self.Scrolled(self, round(new_value), self._left))

    def _size_virtual(self) -> None:
        self.virtual_size = Size(self.room, max(self.rows, 1))

    def on_resize(self) -> None:
        self._size_virtual()

    def line_text(self, number: int) -> str:
        """A line as it is shown."""
        return self._log.line(number) if self._log is not None else ""

    # Moving

    def action_scroll_by(self, rows: int, columns: int = 0) -> None:
        """Scroll by rows and columns."""
        if columns:
            self._left = max(0, min(self._left + columns, max(0, self._widest - 8)))
            self.post_message(self.Scrolled(self, self.scroll_offset.y, self._left))
            self.refresh()
        else:
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def scroll_with(self, line: int, left: int) -> None:
        """Scroll like another log, as far as this one has lines; only sideways where not all are
        shown."""
        self._left = left
        if not self.matches_only:
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
        """Scroll a line into view, a third down from the top."""
        top, row = self.scroll_offset.y, self._row_of(number)
        if not top <= row < top + self.size.height:
            self.scroll_to(y=max(0, row - self.size.height // 3), animate=False)
        self.refresh()

    def show_matches_only(self, only: bool) -> None:
        """Show only lines that match the search, or all; what was on top stays in view."""
        number = self.here if self.here is not None else self.number_of(self.scroll_offset.y)
        self.matches_only = only
        self._size_virtual()
        top = max(0, self._row_of(number) - self.size.height // 3)
        self.scroll_to(y=top, animate=False, force=True)  # few lines had no scrollbar
        self.refresh()

    # Searching

    def find(self, words: str) -> None:
        """Search for words from the line on top, and scroll to the first match."""
        self.end_search()
        if not words or self.text is None:
            return
        self.search = LogSearch(self.text, words)
        self._search_from = 0 if self.matches_only else self.scroll_offset.y
        self._reported = (-1, False)
        self._watch_search()

    def end_search(self) -> None:
        """End the search, and remove its marks."""
        if self.search is not None:
            self.search.stop()
        self.search = None
        self.here = None
        self._search_from = None
        self._size_virtual()
        self.refresh()
        self.post_message(self.Searched(self))

    def _watch_search(self) -> None:
        search = self.search
        if search is None:
            return
        state = (len(search.matches), search.done)
        if state != self._reported:
            self._reported = state
            self._size_virtual()
            if self._search_from is not None and search.matches:
                at = bisect_left(search.matches, self._search_from)
                if at < len(search.matches) or search.done:
                    self._go_to_match(at if at < len(search.matches) else 0)
                    self._search_from = None
            self.refresh()
            self.post_message(self.Searched(self))
        if not search.done:
            self.set_timer(0.05, self._watch_search)

    def next_match(self, by: int) -> None:
        """Go to the next match, or the previous; wraps around."""
        search = self.search
        if search is None or not search.matches:
            return
        line_here = self.here if self.here is not None else self.number_of(self.scroll_offset.y)
        if by > 0:
            at = bisect_right(search.matches, line_here)
        else:
            at = bisect_left(search.matches, line_here) - 1
        self._go_to_match(at % len(search.matches))

    def _go_to_match(self, position: int) -> None:
        assert self.search is not None
        self.here = self.search.matches[position]
        self.go_to(self.here)
        self.post_message(self.Searched(self))

    def count(self) -> str:
        """The matches in words: "3 of 120 lines", "120 lines so far", ""."""
        search = self.search
        if search is None:
            return ""
        if search.error:
            return search.error
        total = len(search.matches)
        more = "" if search.done else "+"
        if not total:
            return "no match" if search.done else "searching…"
        if self.here is None:
            return f"{total}{more} lines"
        return f"{bisect_left(search.matches, self.here) + 1} of {total}{more} lines"

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.room
        if self.rows == 0:
            empty = self.empty if self.lines == 0 else (((self.count(), "muted"),),)
            return self.paint(empty[y] if y < len(empty) else (), width)
        number = self.number_of(self.scroll_offset.y + y)
        entry = self._log.entry(number) if self._log and number < self.lines else None
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
        body = self._with_matches(text)
        if self._left:
            body = _shifted(body, self._left)
        return self.paint(line(*head, *fit(body, max(0, width - used))), width)

    def _with_matches(self, text: str) -> Line:
        """The line with the searched words marked."""
        words = self.search.words.lower() if self.search is not None else ""
        if not words:
            return ((text, ""),)
        spans: list[Span] = []
        lower, at = text.lower(), 0
        if len(lower) != len(text):
            return ((text, ""),)
        while (start := lower.find(words, at)) >= 0:
            spans += [(text[at:start], ""), (text[start : start + len(words)], "found")]
            at = start + len(words)
        spans.append((text[at:], ""))
        return tuple(spans)


def _shifted(spans: Line, by: int) -> Line:
    """The line without its first `by` characters, and a sign where they were."""
    left = by + 1
    rest: list[Span] = [(CUT_SIGN, "muted")]
    for text, tone in spans:
        if left >= len(text):
            left -= len(text)
            continue
        rest.append((text[left:], tone))
        left = 0
    return tuple(rest)
