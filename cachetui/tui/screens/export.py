"""The dialog that writes an audit to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from cachetui.record import Document
from cachetui.tui.ports import CorePort
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid

FORMATS = (
    ("html", "html", "a page of its own: table, timelines, failures"),
    ("markdown", "md", "for a pull request or an issue"),
    ("json", "json", "all of it, for programs (cachetui schema)"),
)


class ExportDialog(Dialog[None]):
    """Choose a format and a name; an existing file is not overwritten unasked."""

    HEADING = "Export this audit"
    BINDINGS: ClassVar = [Binding("ctrl+s", "write", "Write", show=False)]

    def __init__(self, document: Document, core: CorePort, folder: Path) -> None:
        super().__init__()
        self._document, self._core, self._folder = document, core, folder
        self._confirmed: Path | None = None

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, id="formats")
        yield Input(id="path")
        yield Plate(
            line(
                ("j k", "key"), " format  ", ("tab", "key"), " name  ", ("enter", "key"), " write"
            ),
            id="told",
        )
        with Horizontal(classes="buttons"):
            yield Button("Write", id="write", variant="primary")
            yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        grid.styles.height = len(FORMATS)
        grid.show([0, 1, 2], (Column("name", (), 10), Column("what", (), 20, 1)))
        self._suggest(FORMATS[0][1])
        grid.focus()

    def _cell(self, row: Any, column: Any, width: int) -> Line:
        del width
        name, _, what = FORMATS[row]
        return (
            ((name.upper() if name != "markdown" else "Markdown", "strong"),)
            if (column == "name")
            else ((what, "muted"),)
        )

    def _suggest(self, suffix: str) -> None:
        name = f"cachetui-{self._document.audit}.{suffix}"
        safe = "".join(c if c.isalnum() or c in "-._" else "-" for c in name)
        self.query_one(Input).value = str(self._folder / safe)

    @on(Grid.Moved)
    def _moved(self, event: Grid.Moved) -> None:
        row: Any = event.row
        self._suggest(FORMATS[row][1])
        self._confirmed = None

    @on(Grid.Opened)
    @on(Input.Submitted)
    def _go(self) -> None:
        self.action_write()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "write":
            self.action_write()
        else:
            self.dismiss(None)

    def action_write(self) -> None:
        """Write the file, and tell where it is."""
        from cachetui.report.render import render

        grid = self.query_one(Grid)
        form = FORMATS[grid.row][0]
        path = Path(os.path.expanduser(self.query_one(Input).value.strip()))
        told = self.query_one("#told", Plate)
        if path.exists() and self._confirmed != path:
            self._confirmed = path
            told.show(line(("≠ ", "warn"), f"{path.name} exists: write again to replace it"))
            return
        try:
            store, findings = cast(Any, self._core.store), self._core.findings(self._document)
            text = render(self._document, findings, store, form, 120, False)
            path.write_bytes(text.encode("utf-8", "replace"))
        except OSError as error:
            told.show(line(("✗ ", "bad"), f"{error.strerror or error}: {path}"))
            return
        app: Any = self.app
        self.dismiss(None)
        app.tell(f"Wrote {path}", title="Exported")
