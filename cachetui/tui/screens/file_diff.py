"""How a file differs between two images: its diff, read from the hosts when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from cachetui.outputs.filediff import DiffLine, FileDifference
from cachetui.report import cells, units
from cachetui.tui.app_port import app_of
from cachetui.tui.background import run_in_background
from cachetui.tui.view import keys
from cachetui.tui.view.text import Line, Tone, clean_line, label, line
from cachetui.tui.widgets.text_page import TextPage

_TONES: dict[str, Tone] = {"-": "bad", "+": "good", "@": "muted", " ": ""}


@dataclass(frozen=True)
class DifferingFile:
    """A file that differs: its path, how it differs in words, and the names of the two images.

    `fetch` returns the diff; it may block, and raises an exception with a message when it cannot.
    `log` returns how the logs of its step differ, in words.
    """

    path: str
    what: str
    a: str
    b: str
    step: str
    fetch: Callable[[], FileDifference]
    log: Callable[[], str]


class FileDiffScreen(ModalScreen[int]):
    """The diff of one file. Its result is 1 or -1 for the next or previous file, else 0."""

    BINDINGS: ClassVar = keys.FILE

    def __init__(self, file: DifferingFile) -> None:
        super().__init__()
        self._file = file
        self._difference: FileDifference | None = None
        self._error: Exception | None = None
        self._log_note = ""

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box -wide")
        box.border_title = label(f"/{self._file.path}", 120)
        box.border_subtitle = "n N next file · y copies · esc closes"
        with box:
            yield TextPage()

    def on_mount(self) -> None:
        self.query_one(TextPage).focus()
        self._show()

        def read() -> FileDifference:
            self._log_note = self._file.log()
            return self._file.fetch()

        run_in_background(app_of(self), "file", read, self._read, self._failed)

    def _read(self, difference: FileDifference) -> None:
        self._difference = difference
        self._show()

    def _failed(self, error: Exception) -> None:
        self._error = error
        self._show()

    def _show(self) -> None:
        for page in self.query(TextPage):  # none while the app ends
            page.show(self.lines(max(20, min(self.app.size.width - 8, 140))))

    def lines(self, width: int) -> list[Line]:
        """The page: the step, what differs, how its logs differ, then the diff or the error."""
        file, difference = self._file, self._difference
        page: list[Line] = [
            line((clean_line(file.step), "strong")),
            line(("differs in  ", "muted"), file.what),
        ]
        if self._log_note:
            page.append(line(("its log     ", "muted"), self._log_note))
        if self._error is not None:
            reason = clean_line(str(self._error))
            remedy = getattr(self._error, "remedy", "")
            page += [
                (),
                *(
                    (("✗ " if not n else "  ", "bad"), (text, ""))
                    for n, text in enumerate(cells.wrap(reason, width - 2))
                ),
            ]
            page += [line("  ", (text, "muted")) for text in cells.wrap(remedy, width - 2)]
            return page
        if difference is None:
            return [*page, (), (("Fetching both sides…", "muted"),)]
        page += [
            line(("content     ", "muted"), difference.summary),
            (),
            line(("- ", "bad"), (file.a, "bad"), (f" ({units.size(difference.size_a)})", "muted")),
            line(
                ("+ ", "good"), (file.b, "good"), (f" ({units.size(difference.size_b)})", "muted")
            ),
        ]
        page += [_diff_line(entry) for entry in difference.lines]
        if difference.more:
            page.append(
                ((f"… and {units.count(difference.more, 'more line', 'more lines')}", "muted"),)
            )
        return page

    def action_copy(self) -> None:
        """Copy the path, or the diff once it is there."""
        entries = self._difference.lines if self._difference is not None else ()
        lines = [f"{entry.sign}{entry.text}" for entry in entries]
        app_of(self).copy("\n".join(lines) or self._file.path)

    def action_next(self, by: int) -> None:
        """Go to the next or the previous file."""
        self.dismiss(by)

    def action_close(self) -> None:
        """Close the screen."""
        self.dismiss(0)


def _diff_line(entry: DiffLine) -> Line:
    sign, tone = "@@" if entry.sign == "@" else entry.sign, _TONES[entry.sign]
    return line((f"{sign} ", tone), (entry.text, tone))
