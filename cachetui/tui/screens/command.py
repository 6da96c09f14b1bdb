"""Command: exactly what ran on the host for a run, to copy and try by hand."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from cachetui.records.run import Run
from cachetui.tui import keys
from cachetui.tui.text import Line, clean_line, label, line
from cachetui.tui.widgets.lines import Lines

WRAP = "↩"
"""Where a command goes on in the next line; no backslash, for within quotes that would be part
of it."""


def wrapped(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` cells, after a blank where there is one. Together
    they are the text, every blank of it."""
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


class CommandScreen(ModalScreen[None]):
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
            yield Lines()

    def on_mount(self) -> None:
        page = self.query_one(Lines)
        page.show(self.lines(max(20, min(self.app.size.width - 8, 140))))
        page.focus()

    def lines(self, width: int) -> list[Line]:
        """The page: what the run was, then its commands, each mark of a wrapped line told."""
        run = self._run
        found: list[Line] = [
            line((run.scenario, "strong"), (f" · repeat {run.repeat} · {run.status}", "muted"))
        ]
        if run.stored:
            found.append((("Taken from the store: these ran when the run was made.", "muted"),))
        if run.reason:
            found.append(line(("reason: ", "muted"), run.reason))
        for command in run.commands:
            found.append(())
            for text in command.splitlines() or [""]:
                parts = wrapped(clean_line(text), width - 4)
                for number, part in enumerate(parts):
                    last = number == len(parts) - 1
                    found.append(
                        line(
                            ("$ " if not number else "  ", "accent"),
                            part,
                            ("" if last else WRAP, "muted"),
                        )
                    )
        if not run.commands:
            found += [(), (("No command ran for it.", "muted"),)]
        for note in run.notes:
            found += [(), line(("note: ", "muted"), note)]
        return found

    def action_copy(self) -> None:
        """Copy all commands, as they ran."""
        from cachetui.tui.actions import Actions

        app = self.app
        assert isinstance(app, Actions)
        app.copy("\n".join(self._run.commands))

    def action_close(self) -> None:
        """Back to where one came from."""
        self.dismiss(None)
