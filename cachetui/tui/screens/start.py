"""The dialog that starts an audit: on which hosts, which scenarios, how often."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from cachetui.config.settings import HostSettings
from cachetui.records.scenario import AS_FOUND, CONTROLLED, Scenario
from cachetui.report import units
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from cachetui.core import Options
    from cachetui.tui.session import Session

CONTROLLED_NAMES = tuple(scenario.name for scenario in CONTROLLED)
AS_FOUND_NAMES = tuple(scenario.name for scenario in AS_FOUND)

Chosen = tuple[Sequence[HostSettings], "Options"]


class StartDialog(Dialog[Chosen]):
    """Rows that `space` turns on and off; numbers go up with `+` and down with `-`."""

    BINDINGS: ClassVar = [
        Binding("space", "switch", "On / off", show=False),
        Binding("plus,equals_sign", "count(1)", "More", show=False),
        Binding("minus", "count(-1)", "Fewer", show=False),
        Binding("r", "start", "Run", show=False),
    ]

    def __init__(
        self, session: Session, hosts: Sequence[HostSettings], scenarios: Collection[str] = ()
    ) -> None:
        super().__init__()
        self._session = session
        self._hosts = hosts
        self._on: dict[str, bool] = dict.fromkeys(CONTROLLED_NAMES, True)
        self._on |= dict.fromkeys((*AS_FOUND_NAMES, "fresh", "outputs"), False)
        if scenarios:
            self._on |= {name: name in scenarios for name in (*CONTROLLED_NAMES, *AS_FOUND_NAMES)}
        self._repeat = 1

    def heading(self) -> str:
        build = self._session.build
        return f"Run {build.name if build else ''}"

    def body(self) -> Iterator[Widget]:
        yield Plate(*self._head())
        yield Grid(cell=self._cell, heading=self._group, id="options")
        yield Plate(
            line(
                ("space", "key"),
                " on/off  ",
                ("+ -", "key"),
                " repeats  ",
                ("r", "key"),
                " run  ",
                ("esc", "key"),
                " cancel",
            ),
            id="hint",
        )
        with Horizontal(classes="buttons"):
            yield Button("Run", id="run", variant="primary")
            yield Button("Cancel", id="cancel")

    def _head(self) -> list[Line]:
        build = self._session.build
        assert build is not None
        names = ", ".join(host.name for host in self._hosts[:8])
        more = f" and {len(self._hosts) - 8} more" if len(self._hosts) > 8 else ""
        path = build.context / build.dockerfile
        target = f" → {build.target}" if build.target else ""
        return [
            line(("build  ", "muted"), f"{path}{target}"),
            line(
                ("hosts  ", "muted"),
                units.count(len(self._hosts), "host"),
                (f": {names}{more}", "muted"),
            ),
        ]

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        rows = [*CONTROLLED_NAMES, "as found", *AS_FOUND_NAMES, "how", "repeat", "fresh", "outputs"]
        height = self.app.size.height
        self.query_one("#hint").display = height >= 16
        grid.styles.height = max(3, min(len(rows), height - 9))
        grid.show(rows, (Column("what", (), 26, 1, 28), Column("means", (), 20, 2)))
        grid.focus()

    def _group(self, row: object, width: int) -> Line | None:
        del width
        if row == "as found":
            return (("as found: what the host does today; warms its cache", "muted"),)
        if row == "how":
            return (("", "muted"),)
        return None

    def _cell(self, row: object, column: object, width: int) -> Line:
        del width
        name = str(row)
        if column == "means":
            if name == "repeat":
                text = "6 or more allow a test of times"
            elif name == "fresh":
                text = "take no stored run of the same build"
            elif name == "outputs":
                text = "also compare the images, file by file"
            else:
                text = Scenario.of(name).description
            return ((text, "muted"),)
        if name == "repeat":
            return line("    repeat  ", (f"{self._repeat}×", "strong"))
        on = self._on[name]
        box = "[✓]" if on else "[ ]"
        return line((box, "good" if on else "muted"), f" {name}")

    def action_switch(self) -> None:
        """Turn the row under the cursor on or off."""
        grid = self.query_one(Grid)
        name = str(grid.cursor[0]) if grid.cursor else ""
        if name == "repeat":
            self._repeat = self._repeat % 6 + 1
        elif name in self._on:
            self._on[name] = not self._on[name]
        grid.refresh()

    @on(Grid.Opened)
    def _opened(self) -> None:
        self.action_start()

    def action_count(self, by: int) -> None:
        """More or fewer repeats."""
        self._repeat = max(1, min(30, self._repeat + by))
        self.query_one(Grid).refresh()

    def action_start(self) -> None:
        """Run what is turned on."""
        from cachetui.core import Options

        scenarios = tuple(name for name in CONTROLLED_NAMES if self._on[name])
        found = tuple(name for name in AS_FOUND_NAMES if self._on[name])
        if not scenarios and not found:
            self.notify("Turn on at least one scenario.", markup=False)
            return
        everything = len(scenarios) == len(CONTROLLED_NAMES)
        both = len(found) == len(AS_FOUND_NAMES)
        named = None if everything and (both or not found) else (*found, *scenarios)
        self.dismiss(
            (
                self._hosts,
                Options(
                    scenarios=named,
                    as_found=both and named is None,
                    repeat=self._repeat,
                    fresh=self._on["fresh"],
                    outputs=self._on["outputs"],
                ),
            )
        )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "run":
            self.action_start()
        else:
            self.dismiss(None)
