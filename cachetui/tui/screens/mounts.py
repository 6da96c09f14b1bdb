"""Mounts: the build's cache mounts on each host: what they hold, and how much time they save."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.mounts import COLD, WARM, MountRow, mount_rows
from cachetui.report import units
from cachetui.tui.screens.open_runs import open_compare
from cachetui.tui.screens.place import TO_RUN_OR_OPEN, Place
from cachetui.tui.view import keys
from cachetui.tui.view.charts import bar
from cachetui.tui.view.column import Column
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import Line, Span, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel


class MountsPlace(Place):
    """One row per mount and host."""

    PLACE = "mounts"
    ENTER = "Cold against warm"
    BINDINGS: ClassVar = keys.MOUNTS
    NEED_ROWS: ClassVar = frozenset(("sort",))
    CSS_PATH = "mounts.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[MountRow, ...] = ()
        self._document: object = None
        self._sorted: str | None = None
        self._slowest = 0.0

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, id="mounts")
        yield TextPanel(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    def update_place(self) -> None:
        document = self.session.current()
        if document is not self._document:
            self._document = document
            self._rows = mount_rows(document) if document is not None else ()
            self._slowest = max((row.cold or 0.0 for row in self._rows), default=0.0)
        self._show()

    def _show(self) -> None:
        grid = self.query_one(Grid)
        numbers = list(range(len(self._rows)))
        if self._sorted is not None:
            numbers.sort(key=lambda number: self._weight(number), reverse=self._sorted != "host")
        document = self.session.current()
        mounted = document is not None and "--mount" in document.build.dockerfile_text
        grid.empty = (
            (
                line(("No cache mounts to show yet: a BuildKit run has to end first.", "strong")),
                *((TO_RUN_OR_OPEN,) if not self.session.running else ()),
            )
            if mounted or document is None
            else (
                line(("This Dockerfile has no cache mounts.", "strong")),
                line("With one, package managers keep their downloads between builds:"),
                line(("  RUN --mount=type=cache,target=/root/.cache/pip pip install …", "accent")),
            )
        )
        arrow = {key: " ▾" if key == self._sorted else "" for key in ("host", "size", "saved")}
        narrow = self.size.width < 60
        grid.show(
            numbers,
            ()
            if not numbers
            else (
                Column("host", (f"HOST{arrow['host']}",), 7 if narrow else 10, 1, 22),
                Column("target", ("TARGET",), 9 if narrow else 16, 3, 48),
                Column("cold", ("COLD",), 6, align="right"),
                Column("warm", ("WARM",), 6, align="right"),
                Column("saved", (f"SAVED{arrow['saved']}",), 7, align="right"),
                Column("result", ("RESULT",), 9),
                Column("size", (f"SIZE{arrow['size']}",), 8, align="right"),
                Column("used", ("LAST USED",), 14, 1, 20),
                Column("sharing", ("SHARING",), 8),
            ),
        )
        self._show_facts()

    def _weight(self, number: int) -> tuple[float, str]:
        row = self._rows[number]
        if self._sorted == "size":
            return (float(row.bytes or 0), "")
        if self._sorted == "saved":
            return (row.saved or 0.0, "")
        return (0.0, row.host)

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        del width
        assert isinstance(key, int)
        row = self._rows[key]
        if column == "saved":
            if row.saved is None:
                return ((units.NOTHING, "muted"),)
            less = row.saved < -0.05
            sign = "-" if less else ""
            return ((sign + units.seconds(abs(row.saved)), "warn" if less else "good"),)
        if column == "result":
            return (self._result(row)[0],)
        text = {
            "host": row.host,
            "target": row.target,
            "cold": units.seconds(row.cold),
            "warm": units.seconds(row.warm),
            "size": units.size(row.bytes),
            "used": row.last_used or units.NOTHING,
            "sharing": row.sharing,
        }[str(column)]
        return ((text, "strong" if column == "host" else ""),)

    @property
    def _here(self) -> MountRow | None:
        at = self.query_one(Grid).cursor
        return self._rows[at[0]] if at and isinstance(at[0], int) else None

    @on(Grid.Moved, "#mounts")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        row = self._here
        plate = self.query_one("#facts", TextPanel)
        if row is None:
            plate.show()
            return
        lines: list[Line] = [
            line((f"line {row.line} ", "muted"), (row.instruction, "strong")),
            line(
                ("id ", "muted"),
                row.id,
                ("  sharing ", "muted"),
                row.sharing,
                *((("  last used ", "muted"), row.last_used) if row.last_used else ()),
            ),
            line(("result ", "muted"), *self._result(row)),
        ]
        if row.cold and row.warm is not None:
            scale = max(self._slowest, row.cold, row.warm)
            room = max(8, self.size.width - 24)
            for word, seconds in (("cold", row.cold), ("warm", row.warm)):
                blocks = bar(seconds / scale, room).rstrip() or "▏"
                lines.append(
                    line((f"{word} ", "muted"), (blocks, "accent"), f" {units.seconds(seconds)}")
                )
        if len(row.records) > 1:
            lines.append(
                line(
                    (
                        f"{len(row.records)} records of the engine may be this mount: "
                        "they name its target and command, but no id",
                        "muted",
                    )
                )
            )
        plate.show(*lines)

    def _result(self, row: MountRow) -> tuple[Span, ...]:
        """Whether the image is the same with the mount cold and warm."""
        images = {
            run.kind: run.image
            for run in self.session.runs()
            if run.host == row.host and run.kind in (COLD, WARM) and run.image is not None
        }
        if len(images) < 2:
            return ((units.NOTHING, "muted"), (" no image of both", "muted"))
        cold, warm = images[COLD], images[WARM]
        assert cold is not None
        assert warm is not None
        if cold.layers == warm.layers:
            return (("✓ same", "good"), (" layers, cold and warm", "good"))
        return (("≠ differs", "warn"), (": other layers (file times alone can cause it)", "muted"))

    @on(Grid.Opened, "#mounts")
    def _opened(self) -> None:
        row, document = self._here, self.session.current()
        if row is None or document is None:
            return
        picks = tuple(
            Pick(document.audit, row.host, scenario.name)
            for scenario in (COLD, WARM)
            if self.session.run(Pick(document.audit, row.host, scenario.name)) is not None
        )
        open_compare(self.typed_app, picks, row.step)

    def action_sort(self) -> None:
        """Sort by the time saved; again: by size, by host, as it was."""
        order = {None: "saved", "saved": "size", "size": "host", "host": None}
        self._sorted = order[self._sorted]
        self._show()

    @on(Grid.HeadingClicked, "#mounts")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        if event.column in ("host", "size", "saved"):
            self._sorted = None if self._sorted == event.column else str(event.column)
            self._show()

    def copy_text(self) -> str | None:
        row = self._here
        return row.target if row else None
