"""A list of things that are turned on and off: columns, runs."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel


@dataclass(frozen=True, slots=True)
class Switch:
    """One of them: its name, and a few words about it."""

    name: str
    about: str = ""


class Switches(Dialog[frozenset[Hashable]]):
    """`groups` map a heading to what is below it, by key; `space` turns one on and off, enter takes
    those that are on. Where these are none, `least` is said."""

    BINDINGS: ClassVar = [Binding("space", "switch", "On / off", show=False)]

    def __init__(
        self,
        heading: str,
        groups: Mapping[str, Mapping[Hashable, Switch]],
        chosen: Collection[Hashable],
        least: str,
    ) -> None:
        super().__init__()
        self._heading = heading
        self._rows: list[Hashable] = []
        for name, switches in groups.items():
            self._rows += [("heading", name), *switches]
        self._switches = {key: one for group in groups.values() for key, one in group.items()}
        self._on = {*chosen}
        self._least = least

    def heading(self) -> str:
        return self._heading

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, heading=self._group, id="columns")
        yield TextPanel(
            line(
                ("space", "key"),
                " on/off  ",
                ("enter", "key"),
                " show  ",
                ("esc", "key"),
                " cancel",
            )
        )

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        grid.styles.height = max(3, min(len(self._rows), self.app.size.height - 6))
        width = min(40, max([26, *(len(one.name) + 4 for one in self._switches.values())]))
        grid.show(self._rows, (Column("what", (), width, 1, width + 2), Column("about", (), 20, 2)))
        grid.move_to_key(next(iter(self._switches), None))
        grid.focus()

    def _group(self, row: Hashable, width: int) -> Line | None:
        del width
        return None if row in self._switches else ((str(_name_of(row)), "muted"),)

    def _cell(self, row: Hashable, column: Hashable, width: int) -> Line:
        del width
        switch = self._switches[row]
        if column == "about":
            return ((switch.about, "muted"),)
        is_on = row in self._on
        return line(("[✓]" if is_on else "[ ]", "good" if is_on else "muted"), f" {switch.name}")

    def action_switch(self) -> None:
        """Turn what is under the cursor on or off."""
        grid = self.query_one(Grid)
        row = grid.cursor[0] if grid.cursor else None
        if row in self._switches:
            self._on ^= {row}
        grid.refresh()

    @on(Grid.Opened)
    def _opened(self) -> None:
        if not self._on & self._switches.keys():
            self.notify(self._least, markup=False)
            return
        self.dismiss(frozenset(self._on))


def _name_of(heading: Hashable) -> Hashable:
    return heading[1] if isinstance(heading, tuple) else heading
