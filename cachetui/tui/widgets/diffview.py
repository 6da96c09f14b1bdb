"""Two logs side by side, lines that differ marked, long stretches that are alike folded.

Rows are found by number from the hunks of `compare.logdiff`; the text is read as it comes into
view, so that logs of any length cost what is in view.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from typing import ClassVar

from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from cachetui.compare.logdiff import Hunk, LogDiff, diff
from cachetui.report import units
from cachetui.store.log_blocks import LogError
from cachetui.store.log_text import LogText
from cachetui.tui import keys
from cachetui.tui.text import Line, Span, Tone, clean_line, fit, line
from cachetui.tui.widgets.canvas import Canvas
from cachetui.tui.widgets.logview import last_return

CONTEXT = 3
"""Lines that are shown around a difference."""

_CHUNK = 256
_KEPT = 16


class Reader:
    """Lines of a log by number, a chunk at a time."""

    def __init__(self, text: LogText) -> None:
        self._text = text
        self._chunks: OrderedDict[int, list[str]] = OrderedDict()

    def line(self, number: int) -> str:
        """The line as it is shown; "" beyond the end."""
        chunk, position = divmod(number, _CHUNK)
        kept = self._chunks.get(chunk)
        if kept is None:
            try:
                lines = self._text.read(chunk * _CHUNK, _CHUNK)
                kept = [clean_line(last_return(entry.text)) for entry in lines]
            except (LogError, OSError, ValueError) as error:
                kept = [f"cannot be read: {error}"]
            self._chunks[chunk] = kept
            if len(self._chunks) > _KEPT:
                self._chunks.popitem(last=False)
        return kept[position] if position < len(kept) else ""


class Block:
    """Rows that belong together: a difference, lines alike beside it, or a fold."""

    __slots__ = ("a", "b", "kind", "rows")

    def __init__(self, kind: str, a: tuple[int, int], b: tuple[int, int]) -> None:
        self.kind, self.a, self.b = kind, a, b
        self.rows = 1 if kind == "fold" else max(a[1] - a[0], b[1] - b[0])


def blocks(hunks: tuple[Hunk, ...], *, folded: bool = True) -> list[Block]:
    """What is shown: differences with lines around them, the rest folded."""
    found: list[Block] = []
    last = len(hunks) - 1
    for number, hunk in enumerate(hunks):
        length = min(hunk.a[1] - hunk.a[0], hunk.b[1] - hunk.b[0])
        head = CONTEXT if number else 0
        tail = CONTEXT if number != last else 0
        if hunk.kind != "same" or not folded or length <= head + tail + 1:
            found.append(Block(hunk.kind, hunk.a, hunk.b))
            continue
        if head:
            found.append(
                Block("same", (hunk.a[0], hunk.a[0] + head), (hunk.b[0], hunk.b[0] + head))
            )
        found.append(
            Block(
                "fold", (hunk.a[0] + head, hunk.a[1] - tail), (hunk.b[0] + head, hunk.b[1] - tail)
            )
        )
        if tail:
            found.append(
                Block("same", (hunk.a[1] - tail, hunk.a[1]), (hunk.b[1] - tail, hunk.b[1]))
            )
    return found


class DiffView(Canvas):
    """The diff of two logs. `n` and `N` are the owner's: see `next_difference`.

    `heads` say whose each side is, on the line above; `notes` stand where a side printed nothing.
    """

    BINDINGS: ClassVar = keys.LOG

    class Compared(Message):
        """What `said` says has changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.empty: tuple[Line, ...] = ()
        self.here: int | None = None
        self.said: Line = ()
        self.heads: tuple[Line, Line] = ((), ())
        self.notes: tuple[Line, Line] = ((), ())
        self._comparing: object = None
        self._blocks: list[Block] = []
        self._starts: array[int] = array("L")
        self._rows = 0
        self._a: Reader | None = None
        self._b: Reader | None = None
        self._left = 0

    def compare(self, key: object, texts: tuple[LogText, LogText], names: str) -> None:
        """Compare two logs in a thread, and show the result; once for each `key`."""
        if key == self._comparing:
            return
        self._comparing = key
        self.said = ()
        self.show(None, None, None, ((("Comparing…", "muted"),),))

        def body() -> None:
            try:
                sides = [(entry.text for entry in text) for text in texts]
                found = diff(sides[0], sides[1])
            except (LogError, OSError, ValueError):
                return  # the logs were closed: others are looked at
            self.app.call_later(self._compared, key, found, texts, names)

        threading.Thread(target=body, daemon=True, name="diff").start()

    def forget(self) -> None:
        """Compare anew the next time, whatever the key: a log has changed."""
        self._comparing = None

    def _compared(
        self, key: object, found: LogDiff, texts: tuple[LogText, LogText], names: str
    ) -> None:
        if key != self._comparing or not self.is_mounted:
            return
        if found.same:
            said = line(("✓ ", "good"), f"{names}: alike but for what is noise")
        else:
            removed: Span = (f"  -{found.removed}", "bad")
            said = line(("≠ ", "warn"), names, removed, (f" +{found.added}", "good"), " lines")
        tail = [found.sentence(), "" if found.complete else "the end of a long log is left out"]
        words = "".join(f" · {part}" for part in tail if part)
        self.said = line(*said, (words, "muted"))
        nothing = found.same and not any(text.lines for text in texts)
        self.show(None if nothing else found, *texts, ((("Neither printed anything.", "muted"),),))
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
        self._a = Reader(a) if a is not None else None
        self._b = Reader(b) if b is not None else None
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
        """Numbers of the blocks in which the logs differ."""
        return [n for n, block in enumerate(self._blocks) if block.kind not in ("same", "fold")]

    def next_difference(self, by: int) -> None:
        """Go to the next difference, or the previous; around the end."""
        found = self.differences
        if not found:
            return
        if self.here is None:
            at = found[0 if by > 0 else -1]
        else:
            at = found[(found.index(self.here) + by) % len(found)]
        self.here = at
        row = self._starts[at]
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
        reader: Reader | None,
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
