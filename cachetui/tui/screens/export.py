"""The dialog that writes what is on the screen to a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from cachetui.records.document import Document
from cachetui.report import formats, units
from cachetui.report.clean import clean
from cachetui.report.whole_file import whole_file
from cachetui.store.log_blocks import LogError
from cachetui.tui.app_port import AppPort, app_of
from cachetui.tui.background import run_in_background
from cachetui.tui.core_port import CorePort, whole_store
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.screens.place import Place
from cachetui.tui.screens.store_answers import read_audits
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel


def ask_where_to_export(app: AppPort, place: Place) -> None:
    """Open the dialog for what a place exports."""
    audit, text = place.exported_audit, place.exported_text()

    def ask(document: Document | None) -> None:
        if document is None:
            app.tell("There is no audit to export yet.")
        else:
            app.push_screen(ExportDialog(document, app.core, Path.cwd(), text=text))

    if audit is None:
        ask(place.exported())
    else:
        read_audits(app, (audit,), lambda documents: ask(documents[0]))


class ExportDialog(Dialog[None]):
    """Asks for a format and a file name; asks again before it overwrites a file."""

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
        yield TextPanel(
            line((self._document.build.name, "strong"), f": {runs} on {hosts}"),
            (),
        )
        yield Grid(cell=self._cell, id="formats")
        yield Input(id="path")
        yield TextPanel(
            line(
                ("j k", "key"), " format  ", ("tab", "key"), " name  ", ("enter", "key"), " write"
            ),
            id="status",
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
        """Write the file, and say where it is."""
        grid = self.query_one(Grid)
        output_format = self._formats[grid.row][0]
        path = Path(os.path.expanduser(self.query_one(Input).value.strip()))
        status = self.query_one("#status", TextPanel)
        if path.exists() and self._confirmed != path:
            self._confirmed = path
            status.show(line(("≠ ", "warn"), f"{path.name} exists: write again to replace it"))
            return
        status.show(line(("Writing…", "muted")))

        def written(_: None) -> None:
            if self.is_current:  # else it was closed meanwhile
                self.dismiss(None)
            app.tell(f"Wrote {path}", title="Exported")

        def failed(error: Exception) -> None:
            text = str(error)
            if isinstance(error, LogError):
                text = f"the log cannot be read: {error}"
            elif isinstance(error, OSError):
                text = f"{error.strerror or error}: {path}"
            status.show(line(("✗ ", "bad"), text))

        app = app_of(self)
        run_in_background(app, "export", lambda: self._write(output_format, path), written, failed)

    def _write(self, output_format: str, path: Path) -> None:
        """Write the file; called in a thread, for logs can be long."""
        from cachetui.outputs.compare_runs import of_document
        from cachetui.report.audit_report import AuditReport, log_tail_of

        if output_format == "text" and self._text is not None:
            write_lines(path, self._text[1])
            return
        store = whole_store(self._core)
        report = AuditReport(
            document=self._document,
            findings=self._core.findings(self._document),
            outputs=of_document(self._document, store),
            log_tail=log_tail_of(store),
        )
        text = formats.load(output_format).render(report)
        with whole_file(path) as file:
            file.write_bytes(text.encode("utf-8", "replace"))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a log's lines one by one, cleaned as they are on the screen: logs can be long."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", errors="replace") as file:
        for text in lines:
            file.write(clean(text, len(text)) + "\n")
