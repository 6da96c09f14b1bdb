"""The dialog that asks what is to be shared: from which host, to which, what kinds, and where."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input

from cachetui.config.settings import HostSettings
from cachetui.share.kinds import KIND_NAMES, kind_named
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, label, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings

_MEANS = {
    "registry-max": "all stages, by a registry",
    "registry-min": "the image's steps, by a registry",
    "local-max": "all stages, as a folder",
    "inline": "the image's steps, pushed in it",
}


@dataclass(frozen=True)
class WhatToShare:
    """`exporter` None: the one that can export most. `registry` is a repository, None for those
    that hosts.toml names."""

    exporter: str | None
    importers: tuple[str, ...]
    kinds: tuple[str, ...]
    registry: str | None


class ShareDialog(Dialog[WhatToShare]):
    """Rows that `space` turns on and off, and where cachetui may write."""

    BINDINGS: ClassVar = [
        Binding("space", "switch", "On / off", show=False),
        Binding("r", "start", "Go on", show=False),
    ]

    def __init__(
        self, build: BuildSettings, hosts: Sequence[HostSettings], registry: str | None
    ) -> None:
        super().__init__()
        self._build, self._hosts, self._registry = build, hosts, registry
        self._exporter = 0  # 0: by itself, else the number of a host from 1
        self._enabled: dict[Hashable, bool] = {("host", host.name): True for host in hosts}
        self._enabled |= {("kind", name): True for name in KIND_NAMES}

    def heading(self) -> str:
        return f"Share caches of {self._build.name}"

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, heading=self._heading, id="options")
        yield Input(
            self._registry or "",
            placeholder="registry.example.com/team/cache; without one, only local-max",
            id="registry",
            compact=True,
        )
        yield TextPanel(
            line(
                ("space", "key"),
                " changes · ",
                ("tab", "key"),
                " registry · nothing is built before you agree",
            ),
            id="hint",
        )
        with Horizontal(classes="buttons"):
            yield Button(label("See what it does (r)"), id="yes", variant="primary")
            yield Button(label("Cancel"), id="no")

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        rows: list[Hashable] = ["from", "to", *self._enabled]
        rows.insert(2 + len(self._hosts), "kinds")
        grid.styles.height = max(3, min(len(rows), self.app.size.height - 9))
        self.query_one("#hint").display = self.app.size.height >= 20
        grid.show(rows, (Column("what", (), 26, 1, 34), Column("means", (), 20, 2)))
        grid.focus()

    def _heading(self, row: Hashable, width: int) -> Line | None:
        del width
        if row == "to":
            return (("to: the hosts that import", "muted"),)
        if row == "kinds":
            return (("kinds of cache", "muted"),)
        return None

    def _cell(self, row: Hashable, column: Hashable, width: int) -> Line:
        del width
        name = "" if isinstance(row, str) else str(row[1]) if isinstance(row, tuple) else ""
        if row == "from":
            exporter = self._hosts[self._exporter - 1].name if self._exporter else "any"
            if column == "what":
                return line("from  ", (exporter, "strong"))
            return (
                (
                    "space: the next host" if self._exporter else "the host that can export most",
                    "muted",
                ),
            )
        if column == "means":
            return ((_MEANS.get(name, ""), "muted"),) if name in KIND_NAMES else ()
        on = self._enabled.get(row, False)
        is_source = bool(self._exporter) and row == ("host", self._hosts[self._exporter - 1].name)
        box = "[–]" if is_source else "[✓]" if on else "[ ]"
        return line((box, "good" if on and not is_source else "muted"), f" {name}")

    def action_switch(self) -> None:
        """Turn the row under the cursor on or off; the row `from` goes to the next host."""
        grid = self.query_one(Grid)
        row = grid.cursor[0] if grid.cursor else ""
        if row == "from":
            self._exporter = (self._exporter + 1) % (len(self._hosts) + 1)
        elif row in self._enabled:
            self._enabled[row] = not self._enabled[row]
        grid.refresh()

    @on(Grid.Opened)
    def _opened(self) -> None:
        self.action_switch()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        """Go on to what it would do."""
        registry = self.query_one(Input).value.strip() or None
        exporter = self._hosts[self._exporter - 1].name if self._exporter else None
        on = [key for key, enabled in self._enabled.items() if enabled and isinstance(key, tuple)]
        importers = tuple(n for what, n in on if what == "host" and n != exporter)
        kinds = tuple(name for what, name in on if what == "kind")
        if registry is None and not any(host.registry for host in self._hosts):
            kinds = tuple(name for name in kinds if kind_named(name).via == "folder")
        if not importers:
            self.notify("Turn on at least one host that imports.", markup=False)
        elif not kinds:
            self.notify(
                "Turn on a kind; all but local-max need a registry (tab, then type it).",
                markup=False,
            )
        else:
            self.dismiss(WhatToShare(exporter, importers, kinds, registry))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_start()
        else:
            self.dismiss(None)
