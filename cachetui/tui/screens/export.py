"""The dialog that writes what is on the screen to a file."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from cachetui.records.document import Document
from cachetui.report import formats, units
from cachetui.report.clean import clean
from cachetui.store.log_blocks import LogError
from cachetui.tui.ports import CorePort
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid


class ExportDialog(Dialog[None]):
    """Choose a format and a name; an existing file is not overwritten unasked."""

    HEADING = "Export what is on the screen"
    BINDINGS: ClassVar = [Binding("ctrl+s", "write", "Write", show=False)]

    def __init__(
        self,
        document: Document,
        core: CorePort,
        folder: Path,
        *,
        text: tuple[str, Iterable[str]] | None = None,
    ) -> None:
        super().__init__()
        self._document, self._core, self._folder, self._text = document, core, folder, text
        self._confirmed: Path | None = None
        self._formats = [
            (name, each.title, each.suffix, each.description) for name, each in formats.for_files()
        ]
        if text is not None:
            self._formats.append(("text", "Text", "txt", text[0]))

    def body(self) -> Iterator[Widget]:
        runs = units.count(len(self._document.runs), "run")
        hosts = units.count(len(self._document.hosts), "host")
        yield Plate(
            line((self._document.build.name, "strong"), f": {runs} on {hosts}"),
            (),
        )
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
        grid.styles.height = len(self._formats)
        columns = (Column("name", (), 10), Column("what", (), 20, 1))
        grid.show(list(range(len(self._formats))), columns)
        self._suggest(self._formats[0][2])
        grid.focus()

    def _cell(self, row: Any, column: Any, width: int) -> Line:
        del width
        _, title, _, description = self._formats[row]
        return ((title, "strong"),) if column == "name" else ((description, "muted"),)

    def _suggest(self, suffix: str) -> None:
        name = f"cachetui-{self._document.audit}.{suffix}"
        safe = "".join(c if c.isalnum() or c in "-._" else "-" for c in name)
        self.query_one(Input).value = str(self._folder / safe)

    @on(Grid.Moved)
    def _moved(self, event: Grid.Moved) -> None:
        row: Any = event.row
        self._suggest(self._formats[row][2])
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
        grid = self.query_one(Grid)
        form = self._formats[grid.row][0]
        path = Path(os.path.expanduser(self.query_one(Input).value.strip()))
        told = self.query_one("#told", Plate)
        if path.exists() and self._confirmed != path:
            self._confirmed = path
            told.show(line(("≠ ", "warn"), f"{path.name} exists: write again to replace it"))
            return
        told.show(line(("Writing…", "muted")))

        def body() -> None:
            error = ""
            try:
                self._write(form, path)
            except LogError as caught:
                error = f"the log cannot be read: {caught}"
            except OSError as caught:
                error = f"{caught.strerror or caught}: {path}"
            self.app.call_later(self._written, path, error)

        threading.Thread(target=body, daemon=True, name="export").start()

    def _write(self, form: str, path: Path) -> None:
        """Write the file; in a thread, for logs can be long."""
        from cachetui.outputs.compare_runs import of_document
        from cachetui.report.audit_report import AuditReport, log_tail_of

        if form == "text" and self._text is not None:
            write_lines(path, self._text[1])
            return
        store, findings = cast(Any, self._core.store), self._core.findings(self._document)
        outputs = of_document(self._document, store)
        report = AuditReport(
            document=self._document,
            findings=findings,
            outputs=outputs,
            log_tail=log_tail_of(store),
        )
        text = formats.load(form).render(report)
        path.write_bytes(text.encode("utf-8", "replace"))

    def _written(self, path: Path, error: str) -> None:
        app: Any = self.app
        if error:
            self.query_one("#told", Plate).show(line(("✗ ", "bad"), error))
        else:
            self.dismiss(None)
            app.tell(f"Wrote {path}", title="Exported")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a log's lines as they come, cleaned as they are shown: logs can be long."""
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for text in lines:
            file.write(clean(text, len(text)) + "\n")
