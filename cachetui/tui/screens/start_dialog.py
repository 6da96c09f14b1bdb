"""The dialog that asks what an audit should run: which scenarios, and how often."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button

from cachetui.builders.docker_args import options as docker_options
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.records.scenario import AS_FOUND, CONTROLLED, Scenario
from cachetui.report import units
from cachetui.tui.screens.dialogs import Dialog
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from cachetui.core import Options

CONTROLLED_NAMES = tuple(scenario.name for scenario in CONTROLLED)
AS_FOUND_NAMES = tuple(scenario.name for scenario in AS_FOUND)

WhatToRun: TypeAlias = "tuple[Sequence[HostSettings], Options]"


def build_and_hosts(build: BuildSettings, hosts: Sequence[HostSettings]) -> list[Line]:
    """What is built where: a line for the Dockerfile, one for the hosts."""
    names = ", ".join(host.name for host in hosts[:8])
    more = f" and {len(hosts) - 8} more" if len(hosts) > 8 else ""
    path = build.place
    target = f" → {build.target}" if build.target else ""
    return [
        line(("build  ", "muted"), f"{path}{target}"),
        line(
            ("hosts  ", "muted"),
            units.count(len(hosts), "host"),
            (f": {names}{more}", "muted"),
        ),
    ]


class StartDialog(Dialog[WhatToRun]):
    """Scenarios and options that `space` turns on and off, and the number of repeats."""

    BINDINGS: ClassVar = [
        Binding("space", "switch", "On / off", show=False),
        Binding("plus,equals_sign", "count(1)", "More", show=False),
        Binding("minus", "count(-1)", "Fewer", show=False),
        Binding("r", "start", "Run", show=False),
    ]

    def __init__(
        self,
        build: BuildSettings,
        hosts: Sequence[HostSettings],
        scenarios: Collection[str] = (),
        *,
        outputs: bool = False,
    ) -> None:
        super().__init__()
        self._build, self._hosts = build, hosts
        self._enabled: dict[str, bool] = dict.fromkeys(CONTROLLED_NAMES, True)
        self._enabled |= dict.fromkeys((*AS_FOUND_NAMES, "fresh", "outputs"), False)
        offered = {*CONTROLLED_NAMES, *AS_FOUND_NAMES}
        if offered & set(scenarios):  # those of a peek or a share are not run from here
            self._enabled |= {name: name in scenarios for name in offered}
        self._enabled["outputs"] = outputs
        given = (option.name for option in docker_options(build.docker_args))
        if build.source is not None or "cache-from" in given:
            self._enabled["check stale"] = False
        self._repeat = 1

    def heading(self) -> str:
        return f"Run {self._build.name}"

    def body(self) -> Iterator[Widget]:
        yield TextPanel(*build_and_hosts(self._build, self._hosts))
        yield Grid(cell=self._cell, heading=self._group, id="options")
        yield TextPanel(
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

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        rows = [
            "beside",
            *CONTROLLED_NAMES,
            "as found",
            *AS_FOUND_NAMES,
            "how",
            "repeat",
            "fresh",
            "outputs",
        ]
        rows += [name for name in ("check stale",) if name in self._enabled]
        height = self.app.size.height
        self.query_one("#hint").display = height >= 16
        grid.styles.height = max(3, min(len(rows), height - 9))
        grid.show(rows, (Column("what", (), 26, 1, 28), Column("means", (), 20, 2)))
        grid.focus()

    def _group(self, row: object, width: int) -> Line | None:
        del width
        if row == "beside":
            return (("beside the hosts' own caches: these are not touched", "muted"),)
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
                text = "ignore stored runs of the same build"
            elif name == "outputs":
                text = "also compare the images, file by file"
            elif name == "check stale":
                text = "does an import bring today's content?"
            else:
                text = Scenario.of(name).description
            return ((text, "muted"),)
        if name == "repeat":
            return line("    repeat  ", (f"{self._repeat}×", "strong"))
        enabled = self._enabled[name]
        box = "[✓]" if enabled else "[ ]"
        return line((box, "good" if enabled else "muted"), f" {name}")

    def action_switch(self) -> None:
        """Turn the row under the cursor on or off."""
        grid = self.query_one(Grid)
        name = str(grid.cursor[0]) if grid.cursor else ""
        if name == "repeat":
            self._repeat = self._repeat % 6 + 1
        elif name in self._enabled:
            self._enabled[name] = not self._enabled[name]
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

        controlled = tuple(name for name in CONTROLLED_NAMES if self._enabled[name])
        as_found = tuple(name for name in AS_FOUND_NAMES if self._enabled[name])
        if not controlled and not as_found:
            self.notify("Turn on at least one scenario.", markup=False)
            return
        stale = self._enabled.get("check stale", False)
        all_controlled = len(controlled) == len(CONTROLLED_NAMES)
        both_found = len(as_found) == len(AS_FOUND_NAMES)
        by_default = all_controlled and (both_found or not as_found)
        scenarios = None if by_default and not stale else (*as_found, *controlled)
        self.dismiss(
            (
                self._hosts,
                Options(
                    scenarios=scenarios,
                    as_found=both_found and scenarios is None,
                    repeat=self._repeat,
                    fresh=self._enabled["fresh"],
                    outputs=self._enabled["outputs"] or stale,
                    check_stale=stale,
                ),
            )
        )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "run":
            self.action_start()
        else:
            self.dismiss(None)
