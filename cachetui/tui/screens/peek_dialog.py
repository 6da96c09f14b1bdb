"""The dialog that asks which builders' caches a peek looks at, and whether it keeps off mounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.records.backend import Backend
from cachetui.records.scenario import PEEKS
from cachetui.tui.screens.dialogs import Dialog, paragraphs
from cachetui.tui.screens.start_dialog import build_and_hosts
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, label, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

NO_MOUNTS = "leave out steps with a cache mount"


@dataclass(frozen=True)
class PeekChoice:
    """What is to be looked at. With `no_mounts` no step with a cache mount is begun."""

    builders: tuple[Backend, ...]
    no_mounts: bool = False


class PeekDialog(Dialog[PeekChoice]):
    """Builders, and whether steps with cache mounts are left out, that `space` turns on and off."""

    BINDINGS: ClassVar = [
        Binding("space", "switch", "On / off", show=False),
        Binding("r", "start", "Peek", show=False),
    ]

    def __init__(self, build: BuildSettings, hosts: Sequence[HostSettings]) -> None:
        super().__init__()
        self._build, self._hosts = build, hosts
        self._enabled: dict[str, bool] = {kind.backend: True for kind in PEEKS}
        self._enabled[NO_MOUNTS] = False

    def heading(self) -> str:
        return f"Peek at {self._build.name}"

    def body(self) -> Iterator[Widget]:
        yield TextPanel(*build_and_hosts(self._build, self._hosts))
        yield Grid(cell=self._cell, id="options")
        yield from paragraphs(
            "Each build starts as the host's user would type it, and is stopped when the first RUN "
            "that misses begins. Nothing is tagged or exported. Steps that are left out, and those "
            "built on them, stay undecided."
        )
        yield TextPanel(
            line(
                ("space", "key"),
                " on/off  ",
                ("r", "key"),
                " peek  ",
                ("esc", "key"),
                " cancel",
            ),
            id="hint",
        )
        with Horizontal(classes="buttons"):
            yield Button(label("Peek"), id="yes", variant="primary")
            yield Button(label("Cancel"), id="no")

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        grid.styles.height = len(self._enabled)
        self.query_one("#hint").display = self.app.size.height >= 16
        grid.show(list(self._enabled), (Column("what", (), 4 + len(NO_MOUNTS), 1),))
        grid.focus()

    def _cell(self, row: object, column: object, width: int) -> Line:
        del column, width
        on = any(enabled for name, enabled in self._enabled.items() if name == row)
        return line(("[✓]" if on else "[ ]", "good" if on else "muted"), f" {row}")

    def action_switch(self) -> None:
        """Turn what is under the cursor on or off."""
        grid = self.query_one(Grid)
        for name, enabled in self._enabled.items():
            if grid.cursor and grid.cursor[0] == name:
                self._enabled[name] = not enabled
        grid.refresh()

    @on(Grid.Opened)
    def _opened(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Peek with what is turned on."""
        chosen = tuple(kind.backend for kind in PEEKS if self._enabled[kind.backend])
        if chosen:
            self.dismiss(PeekChoice(chosen, self._enabled[NO_MOUNTS]))
        else:
            self.notify("Turn on at least one builder.", markup=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_start()
        else:
            self.dismiss(None)
