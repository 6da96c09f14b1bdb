"""How a file differs between two images: its diff, fetched when it is opened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from cachetui.outputs.filediff import DiffLine, FileDifference
from cachetui.report import cells, units
from cachetui.tui import keys
from cachetui.tui.text import Line, Tone, clean_line, label, line
from cachetui.tui.widgets.lines import Lines

_TONES: dict[str, Tone] = {"-": "bad", "+": "good", "@": "muted", " ": ""}


@dataclass(frozen=True)
class Opened:
    """A file to look at: what it is called, how it differs in words, the two images, and what
    tells more: `fetch` may block, and raises what it cannot do as an exception with a message;
    `log` tells how the logs of its step differ."""

    path: str
    what: str
    a: str
    b: str
    step: str
    fetch: Callable[[], FileDifference]
    log: Callable[[], str]


class FileScreen(ModalScreen[int]):
    """The diff of one file. It ends with 1 or -1 for the next or previous file, else 0."""

    BINDINGS: ClassVar = keys.FILE

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self._opened = opened
        self._found: FileDifference | None = None
        self._error: Exception | None = None
        self._note = ""

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box -wide")
        box.border_title = label(f"/{self._opened.path}", 120)
        box.border_subtitle = "n N next file · y copies · esc closes"
        with box:
            yield Lines()

    def on_mount(self) -> None:
        page = self.query_one(Lines)
        page.focus()
        self._show()

        def body() -> None:
            try:
                self._note = self._opened.log()
                self._found = self._opened.fetch()
            except Exception as error:  # whatever it is, it is told where the diff would be
                self._error = error
            if self.is_attached:
                self.app.call_later(self._show)

        threading.Thread(target=body, daemon=True, name="file").start()

    def _show(self) -> None:
        if self.is_mounted:
            self.query_one(Lines).show(self.lines(max(20, min(self.app.size.width - 8, 140))))

    def lines(self, width: int) -> list[Line]:
        """The page: which step, what differs, the log beside it, then the diff."""
        opened, found = self._opened, self._found
        page: list[Line] = [
            line((clean_line(opened.step), "strong")),
            line(("differs in  ", "muted"), opened.what),
        ]
        if self._note:
            page.append(line(("its log     ", "muted"), self._note))
        if self._error is not None:
            said = str(self._error)
            remedy = getattr(self._error, "remedy", "")
            page += [
                (),
                *(
                    (("✗ " if not n else "  ", "bad"), (text, ""))
                    for n, text in enumerate(cells.wrap(clean_line(said), width - 2))
                ),
            ]
            page += [line("  ", (text, "muted")) for text in cells.wrap(remedy, width - 2)]
            return page
        if found is None:
            return [*page, (), (("Fetching both sides…", "muted"),)]
        page += [
            line(("content     ", "muted"), found.summary),
            (),
            line(("- ", "bad"), (opened.a, "bad"), (f" ({units.size(found.size_a)})", "muted")),
            line(("+ ", "good"), (opened.b, "good"), (f" ({units.size(found.size_b)})", "muted")),
        ]
        page += [_diff_line(one) for one in found.lines]
        if found.more:
            page.append(((f"… and {units.count(found.more, 'more line', 'more lines')}", "muted"),))
        return page

    def action_copy(self) -> None:
        """Copy the path, or the diff once it is there."""
        from cachetui.tui.actions import Actions

        app = self.app
        assert isinstance(app, Actions)
        found = self._found
        lines = [f"{one.sign}{one.text}" for one in found.lines] if found is not None else []
        app.copy("\n".join(lines) or self._opened.path)

    def action_next(self, by: int) -> None:
        """Go to the next or the previous file."""
        self.dismiss(by)

    def action_close(self) -> None:
        """Back to the tree."""
        self.dismiss(0)


def _diff_line(one: DiffLine) -> Line:
    sign = "@@" if one.sign == "@" else one.sign
    return line((f"{sign} ", _TONES[one.sign]), (one.text, _TONES[one.sign]))
