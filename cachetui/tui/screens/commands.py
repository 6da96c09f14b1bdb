"""The commands that ran on the host for a run, to copy and try by hand."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from cachetui.records.run import Run
from cachetui.tui.app_port import app_of
from cachetui.tui.view import keys
from cachetui.tui.view.text import Line, clean_line, label, line
from cachetui.tui.widgets.text_page import TextPage

WRAP = "↩"
"""Marks a command that goes on in the next line. Not a backslash: within quotes that would be part
of the command."""


def wrapped(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` cells, broken after a space if possible. Joined they
    are the text again, with every space."""
    parts: list[str] = []
    while cell_len(text) > width:
        end = len(set_cell_size(text, width))
        while end > 1 and cell_len(text[:end]) > width:
            end -= 1
        blank = text.rfind(" ", 0, end) + 1
        end = blank if blank > end // 2 else end
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]


class CommandsScreen(ModalScreen[None]):
    """The commands of one run, in order."""

    BINDINGS: ClassVar = keys.COMMAND

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box -wide")
        box.border_title = label(f"Commands on {self._run.host}", 60)
        box.border_subtitle = "y copies all · esc closes"
        with box:
            yield TextPage()

    def on_mount(self) -> None:
        text = self.query_one(TextPage)
        text.show(self.lines(max(20, min(self.app.size.width - 8, 140))))
        text.focus()

    def lines(self, width: int) -> list[Line]:
        """The page: what the run was, then its commands and notes."""
        run = self._run
        page: list[Line] = [
            line((run.scenario, "strong"), (f" · repeat {run.repeat} · {run.status}", "muted"))
        ]
        if run.stored:
            page.append((("Taken from the store: these ran when the run was made.", "muted"),))
        if run.reason:
            page.append(line(("reason: ", "muted"), run.reason))
        for command in run.commands:
            page.append(())
            for text in command.splitlines() or [""]:
                parts = wrapped(clean_line(text), width - 4)
                for number, part in enumerate(parts):
                    last = number == len(parts) - 1
                    page.append(
                        line(
                            ("$ " if not number else "  ", "accent"),
                            part,
                            ("" if last else WRAP, "muted"),
                        )
                    )
        if not run.commands:
            page += [(), (("No command ran for it.", "muted"),)]
        for note in run.notes:
            page += [(), line(("note: ", "muted"), note)]
        return page

    def action_copy(self) -> None:
        """Copy all commands, as they ran."""
        app_of(self).copy("\n".join(self._run.commands))

    def action_close(self) -> None:
        """Close the screen."""
        self.dismiss(None)
