"""Two logs side by side: differing lines are marked, long equal stretches folded.

Rows are numbered by the hunks of `compare.logdiff`, and their text is read when they come into
view, so a log of any length costs no more than what is in view.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import ClassVar

from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.compare.logdiff import Hunk, LogDiff, diff
from cachetui.report import units
from cachetui.store.log_text import LogText
from cachetui.tui.background import run_in_background
from cachetui.tui.view import keys
from cachetui.tui.view.text import Line, Span, Tone, fit, line
from cachetui.tui.widgets.canvas import Canvas
from cachetui.tui.widgets.chunked_log import ChunkedLog

CONTEXT = 3
"""Equal lines shown around a difference."""


class Block:
    """Rows that belong together: a difference, equal lines around it, or a fold. `a` and `b` are
    the first line number and the end of each side."""

    __slots__ = ("a", "b", "kind", "rows")

    def __init__(self, kind: str, a: tuple[int, int], b: tuple[int, int]) -> None:
        self.kind, self.a, self.b = kind, a, b
        self.rows = 1 if kind == "fold" else max(a[1] - a[0], b[1] - b[0])


def blocks(hunks: tuple[Hunk, ...], *, folded: bool = True) -> list[Block]:
    """The blocks to show: differences with equal lines around them, the rest folded."""
    shown: list[Block] = []
    last = len(hunks) - 1
    for number, hunk in enumerate(hunks):
        length = min(hunk.a[1] - hunk.a[0], hunk.b[1] - hunk.b[0])
        head = CONTEXT if number else 0
        tail = CONTEXT if number != last else 0
        if hunk.kind != "same" or not folded or length <= head + tail + 1:
            shown.append(Block(hunk.kind, hunk.a, hunk.b))
            continue
        if head:
            shown.append(
                Block("same", (hunk.a[0], hunk.a[0] + head), (hunk.b[0], hunk.b[0] + head))
            )
        shown.append(
            Block(
                "fold", (hunk.a[0] + head, hunk.a[1] - tail), (hunk.b[0] + head, hunk.b[1] - tail)
            )
        )
        if tail:
            shown.append(
                Block("same", (hunk.a[1] - tail, hunk.a[1]), (hunk.b[1] - tail, hunk.b[1]))
            )
    return shown


class DiffView(Canvas):
    """The diff of two logs. Its owner binds keys to `next_difference`.

    `heads` are the titles of the sides; `notes` stand where a side printed nothing; `summary` says
    how the logs differ.
    """

    BINDINGS: ClassVar = keys.LOG

    class Compared(Message):
        """The logs were compared: there is a new `summary`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.empty: tuple[Line, ...] = ()
        self.here: int | None = None
        self.summary: Line = ()
        self.heads: tuple[Line, Line] = ((), ())
        self.notes: tuple[Line, Line] = ((), ())
        self._comparing: object = None
        self._blocks: list[Block] = []
        self._starts: array[int] = array("L")
        self._rows = 0
        self._a: ChunkedLog | None = None
        self._b: ChunkedLog | None = None
        self._left = 0

    def compare(self, key: object, texts: tuple[LogText, LogText], names: str) -> None:
        """Compare two logs in a thread, and show the result; once for each `key`."""
        if key == self._comparing:
            return
        self._comparing = key
        self.summary = ()
        self.show(None, None, None, ((("Comparing…", "muted"),),))

        def work() -> LogDiff:
            sides = [(entry.text for entry in text) for text in texts]
            return diff(sides[0], sides[1])

        def done(difference: LogDiff) -> None:
            self._compared(key, difference, texts, names)

        def failed(error: Exception) -> None:
            if key == self._comparing and self.is_mounted:
                self.show(None, None, None, (line(("✗ ", "bad"), str(error)),))

        run_in_background(self.app, "diff", work, done, failed)

    def forget(self) -> None:
        """Compare again the next time, even for the same key: a log has changed."""
        self._comparing = None

    def _compared(
        self, key: object, difference: LogDiff, texts: tuple[LogText, LogText], names: str
    ) -> None:
        if key != self._comparing or not self.is_mounted:
            return
        if difference.same:
            text = line(("✓ ", "good"), f"{names}: the same apart from noise")
        else:
            removed: Span = (f"  -{difference.removed}", "bad")
            text = line(("≠ ", "warn"), names, removed, (f" +{difference.added}", "good"), " lines")
        parts = [
            difference.sentence(),
            "" if difference.complete else "the end of a long log is left out",
        ]
        tail = "".join(f" · {part}" for part in parts if part)
        self.summary = line(*text, (tail, "muted"))
        nothing = difference.same and not any(text.lines for text in texts)
        self.show(
            None if nothing else difference, *texts, ((("Neither printed anything.", "muted"),),)
        )
        self.post_message(self.Compared())

    def show(
        self,
        diff: LogDiff | None,
        a: LogText | None,
        b: LogText | None,
        empty: tuple[Line, ...] = (),
    ) -> None:
        """Show how `b` differs from `a`; without a diff the lines of `empty`."""
        self.empty = empty
        self._blocks = blocks(diff.hunks) if diff is not None else []
        self._a = ChunkedLog(a) if a is not None else None
        self._b = ChunkedLog(b) if b is not None else None
        self._starts = array("L")
        self._rows = 0
        self.here = None
        for block in self._blocks:
            self._starts.append(self._rows)
            self._rows += block.rows
        self._left = 0
        self._size_virtual()
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def _size_virtual(self) -> None:
        self.virtual_size = Size(self.room, max(self._rows, len(self.empty), 1) + 1)

    def on_resize(self) -> None:
        self._size_virtual()

    @property
    def differences(self) -> list[int]:
        """Numbers of the blocks that differ."""
        return [n for n, block in enumerate(self._blocks) if block.kind not in ("same", "fold")]

    def next_difference(self, by: int) -> None:
        """Go to the next difference, or the previous; wraps around."""
        blocks = self.differences
        if not blocks:
            return
        if self.here is None:
            self.here = blocks[0 if by > 0 else -1]
        else:
            self.here = blocks[(blocks.index(self.here) + by) % len(blocks)]
        row = self._starts[self.here]
        self.scroll_to(y=max(0, row - self.size.height // 3), animate=False)
        self.refresh()

    # Moving

    def action_scroll_by(self, rows: int, columns: int = 0) -> None:
        """Scroll by rows and columns."""
        if columns:
            self._left = max(0, self._left + columns)
            self.refresh()
        else:
            self.scroll_to(y=self.scroll_offset.y + rows, animate=False)

    def action_page(self, pages: float) -> None:
        """Scroll by pages."""
        rows = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_offset.y + round(pages * rows), animate=False)

    def action_edge(self, end: bool) -> None:
        """Go to the first or last row."""
        self.scroll_to(y=self.max_scroll_y if end else 0, animate=False)

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.room
        if y == 0:
            half = (width - 3) // 2
            left, right = fit(self.heads[0], half), fit(self.heads[1], width - 3 - half)
            return self.paint(line(*left, ("   ", "muted"), *right), width)
        row = self.scroll_offset.y + y - 1
        if row >= self._rows:
            spans = self.empty[row] if not self._rows and row < len(self.empty) else ()
            return self.paint(spans, width)
        number = bisect_right(self._starts, row) - 1
        block = self._blocks[number]
        offset = row - self._starts[number]
        if block.kind == "fold":
            alike = max(block.a[1] - block.a[0], block.b[1] - block.b[0])
            text = f" {units.count(alike, 'line')} alike "
            dashes = max(0, (width - len(text)) // 2)
            return self.paint((("┄" * dashes + text + "┄" * dashes, "muted"),), width)
        half = (width - 3) // 2
        left = self._half(block, block.a, offset, self._a, "-", half)
        right = self._half(block, block.b, offset, self._b, "+", width - 3 - half)
        if not row and block.kind in ("added", "removed"):
            if block.a[0] == block.a[1]:
                left = fit(self.notes[0], half)
            else:
                right = fit(self.notes[1], width - 3 - half)
        bar: Span = (" ┃ ", "here") if number == self.here else (" │ ", "muted")
        return self.paint(line(*left, bar, *right), width)

    def _half(
        self,
        block: Block,
        span: tuple[int, int],
        offset: int,
        reader: ChunkedLog | None,
        sign: str,
        width: int,
    ) -> Line:
        number = span[0] + offset
        if number >= span[1] or reader is None:
            return fit((), width)
        text = reader.line(number)[self._left :]
        same = block.kind == "same"
        tone: Tone = "muted" if same else "bad" if sign == "-" else "good"
        marked = " " if same else "≠" if block.kind == "changed" else sign
        digits = f"{number + 1:>4} " if width >= 30 else ""
        return fit(
            line((digits, "muted"), (f"{marked} ", tone), (text, "" if same else tone)), width
        )
