"""The first screen without a hosts.toml: what it is for, and an offer to write one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from cachetui.config.toml_table import ConfigError
from cachetui.tui.app_port import app_of
from cachetui.tui.core_port import CorePort
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.text_page import TextPage
from cachetui.tui.widgets.text_panel import TextPanel

LOCAL = """\
[[hosts]]
name = "here"
address = "local"   # this machine, without SSH
"""


class FirstRun(Dialog[bool]):
    """Shows the hosts.toml that it would write, and writes it on demand."""

    HEADING = "Welcome: which hosts?"
    BINDINGS: ClassVar = [Binding("w", "write", "Write", show=False)]

    def __init__(self, core: CorePort) -> None:
        super().__init__()
        self._core = core
        self._suggested = core.suggest_hosts().strip()
        self._text = (self._suggested or LOCAL.strip()) + "\n"
        self._path = Path.cwd() / "hosts.toml"

    def body(self) -> Iterator[Widget]:
        where = (
            "made from the aliases in ~/.ssh/config and from docker context ls"
            if self._suggested
            else "for this machine alone: no alias in ~/.ssh/config, no docker context"
        )
        yield TextPanel(
            line("cachetui runs one build on many hosts and shows where they differ."),
            line("It reads them from a hosts.toml, and there is none yet. Here is one,"),
            line((where + ":", "muted")),
            (),
        )
        yield TextPage([((text, "accent"),) for text in self._text.splitlines()], id="preview")
        yield TextPanel((), line(("will be written to ", "muted"), str(self._path)), id="status")
        with Horizontal(classes="buttons"):
            yield Button("Write it (w)", id="write", variant="primary")
            yield Button("Not now", id="cancel")

    def on_mount(self) -> None:
        self.query_one(TextPage).styles.height = min(10, len(self._text.splitlines()))
        self.query_one("#write").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "write":
            self.action_write()
        else:
            self.dismiss(False)

    def action_write(self) -> None:
        """Write the file unless there is one by now, and use it."""
        try:
            with self._path.open("x", encoding="utf-8") as file:
                file.write(self._text)
            self._core.adopt(self._path)
        except (OSError, ConfigError) as error:
            self._show_error(line(("✗ ", "bad"), str(error)))
            return
        app = app_of(self)
        app.session.hosts = self._core.settings.hosts
        app.session.asked.begin(app.session.hosts)
        app.refresh_places()
        self.dismiss(True)
        app.tell(f"Wrote {self._path}. Next: b chooses a build.")

    def _show_error(self, text: Line) -> None:
        self.query_one("#status", TextPanel).show((), text)
