"""Compare: runs side by side, step by step, each beside the named baseline."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.align import Row, align
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import cells, units
from cachetui.report.view import stage_name
from cachetui.tui import facts, keys, signs
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, clean_line, joined, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import MORE, Column
from cachetui.tui.widgets.grid import Grid

STEP = "step"
"""The key of the first column; the others are numbers of picks."""


class ComparePlace(Place):
    """Rows are steps of the Dockerfile, under their stages; columns are runs."""

    PLACE = "compare"
    ENTER = "Step log"
    BINDINGS: ClassVar = keys.COMPARE
    CSS_PATH = "compare.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.everything = False
        self._picks: tuple[Pick, ...] = ()
        self._runs: list[Run] = []
        self._rows: dict[Hashable, Row] = {}
        self._steps: tuple[Row, ...] = ()
        self._aligned: object = None
        self._sorted: int | None = None
        self._slowest = 0.0

    def body(self) -> Iterator[Widget]:
        yield Plate(id="summary")
        yield Grid(cell=self._cell, heading=self._heading, cells=True, id="steps")
        yield Plate(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        session = self.session
        found = [(pick, session.run(pick)) for pick in session.picks]
        self._picks = tuple(pick for pick, run in found if run is not None)
        self._runs = [run for _, run in found if run is not None]
        base = self._base
        if base is not None and self._picks[0] != session.baseline:
            self._picks = (self._picks[base], *self._picks[:base], *self._picks[base + 1 :])
            self._runs = [self._runs[base], *self._runs[:base], *self._runs[base + 1 :]]
        state = (self._picks, tuple(id(run) for run in self._runs))
        if state != self._aligned:
            self._aligned = state
            self._steps = align(self._runs)
            times = [s.seconds or 0.0 for run in self._runs for s in run.steps]
            self._slowest = max(times, default=0.0)
            if self._sorted is not None and self._sorted >= len(self._runs):
                self._sorted = None
        self._show()

    @property
    def _base(self) -> int | None:
        """Which column is the baseline."""
        if not self._picks:
            return None
        baseline = self.session.baseline
        return self._picks.index(baseline) if baseline in self._picks else 0

    def _show(self) -> None:
        grid = self.query_one(Grid)
        differing = [row for row in self._steps if row.differs]
        alone = len(self._runs) < 2
        shown = list(self._steps) if self.everything or alone else differing
        if self._sorted is not None:
            shown.sort(key=lambda row: -_seconds(row, self._sorted or 0))
        self._rows = {}
        stage: tuple[int, str | None] | None = None
        for row in shown:
            here = (row.id.stage_index, row.stage)
            if here != stage and self._sorted is None:
                stage = here
                self._rows[("stage", row.id.stage_index)] = row
            self._rows[row.id] = row
        grid.empty = self._empty()
        grid.show(list(self._rows), self._columns())
        wanted = self.session.step
        if wanted is not None and wanted in self._rows:
            column = grid.cursor[1] if grid.cursor else None
            grid.move_to_key(wanted, column)
            self.session.step = None
        self._show_summary(len(differing))
        self._show_facts()

    def _empty(self) -> tuple[Line, ...]:
        if not self._runs:
            return (
                line(("No runs are chosen to compare.", "strong")),
                (),
                line(
                    "Go to ",
                    ("1", "key"),
                    " Fleet: ",
                    ("enter", "key"),
                    " on a run compares it",
                    " with one that is as most are;",
                ),
                line(
                    ("space", "key"),
                    " marks several. ",
                    ("p", "key"),
                    " here offers what is most often compared.",
                ),
            )
        total = len(self._steps)
        return (line(("✓ ", "good"), "No step differs. ", ("a", "key"), f" shows all {total}."),)

    def _show_summary(self, differing: int) -> None:
        if not self._runs:
            self.query_one("#summary", Plate).show()
            return
        names = self.session.titles(self._picks)
        common = {(p.host, p.scenario) for p in self._picks}
        hosts = {host for host, _ in common}
        scenarios = {scenario for _, scenario in common}
        what = [next(iter(scenarios))] if len(scenarios) == 1 else []
        if len(hosts) == 1:
            what.append(f"on {next(iter(hosts))}")
        parts: list[Line] = []
        if len(self._runs) > 1:
            sign: Span = ("≠ ", "warn") if differing else ("✓ ", "good")
            verb = "differs" if differing == 1 else "differ"
            parts.append(
                line(sign, f"{differing} of {units.count(len(self._steps), 'step')} {verb}")
            )
        if what:
            parts.append(((" ".join(what), "strong"),))
        if len(self._runs) > 1:
            parts.append(((f"baseline {names[0]}", "muted"),))
        shown = "all steps" if self.everything or len(self._runs) < 2 else "differences only"
        parts.append(((shown, "muted"),))
        self.query_one("#summary", Plate).show(joined(self.size.width - 2, parts))

    def _columns(self) -> tuple[Column, ...]:
        each = 24 if self.size.width >= 60 else 16
        beside = min(2 if each == 24 else 1, len(self._runs))
        more = MORE if len(self._runs) > beside else 0
        least = max(12, min(26, self.size.width - 3 - (each + 1) * beside - more))
        columns = [Column(STEP, ("", "  STEP"), least, 2, 100)]
        names = self.session.titles(self._picks)
        base = self._runs[0] if self._runs else None
        for number, (name, run) in enumerate(zip(names, self._runs, strict=True)):
            total = f"{units.percent(run.hit_ratio)} {units.seconds(run.seconds)}"
            if number == 0:
                role = "baseline" if len(self._runs) > 1 else ""
            else:
                role = facts.difference(run.seconds, base.seconds if base else None)
            arrow = " ▾" if self._sorted == number else ""
            columns.append(
                Column(number, (f" {name}{arrow}", f" {total}  {role}".rstrip()), each, 1, 48)
            )
        return tuple(columns)

    # Cells

    def _heading(self, key: Hashable, width: int) -> Line | None:
        if not isinstance(key, tuple):
            return None
        row = self._rows[key]
        return signs.rule(stage_name(row.id.stage_index, row.stage), width)

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        row = self._rows.get(key)
        if row is None:
            return ()
        if column == STEP:
            number = f"{row.line:>3} "
            sign: Span = ("≠ ", "warn") if row.differs else ("  ", "")
            room = max(4, width - 2 - len(number))
            text = cells.shorten(clean_line(row.instruction), room)
            return line(sign, (number, "muted"), (text, "strong" if row.differs else ""))
        assert isinstance(column, int)
        if column >= len(row.cells):
            return ()
        return facts.step_cell(
            row.cells[column], row.cells[0] if column else None, width, self._slowest
        )

    # What the cursor is on

    @property
    def row(self) -> Row | None:
        """The step under the cursor."""
        at = self.query_one(Grid).cursor
        return self._rows.get(at[0]) if at else None

    @property
    def pick(self) -> Pick | None:
        """The run under the cursor; on the first column the baseline."""
        at = self.query_one(Grid).cursor
        if at is None or not self._picks:
            return None
        return self._picks[at[1] if isinstance(at[1], int) else 0]

    @on(Grid.Moved, "#steps")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        row, pick = self.row, self.pick
        plate = self.query_one("#facts", Plate)
        if row is None or pick is None:
            plate.show()
            return
        width = max(20, self.size.width - 4)
        wrapped = cells.wrap(clean_line(row.instruction), width - 9, "", "    ")
        if len(wrapped) > 2:
            wrapped = [wrapped[0], cells.clip(wrapped[1], width - 11) + " …"]
        lines: list[Line] = [
            line((f"line {row.line:<4}" if not n else " " * 9, "muted"), text)
            for n, text in enumerate(wrapped)
        ]
        column = self._picks.index(pick)
        step = row.cells[column] if column < len(row.cells) else None
        lines.append(facts.step_facts(step, self.session.titles(self._picks)[column]))
        if step is not None and step.error:
            lines.append(line(("✗ ", "bad"), signs.step_error(step)))
        plate.show(*lines)

    # Keys

    @on(Grid.Opened, "#steps")
    def _opened(self) -> None:
        row = self.row
        if row is not None:
            self.home.open_step(row.id)

    def action_toggle_all(self) -> None:
        """Show all steps, or only those that differ."""
        row = self.row
        self.everything = not self.everything
        if row is not None:
            self.session.step = row.id
        self._show()

    def action_difference(self, by: int) -> None:
        """Go to the next step that differs, or the previous; around the end."""
        grid = self.query_one(Grid)
        places = [
            n
            for n, key in enumerate(grid.rows)
            if isinstance(key, StepId) and self._rows[key].differs
        ]
        if not places:
            self.home.tell("No step differs.")
            return
        after = [n for n in places if n > grid.row] if by > 0 else []
        before = [n for n in places if n < grid.row] if by < 0 else []
        grid.move_to((after or places)[0] if by > 0 else (before or places)[-1])

    def action_baseline_here(self) -> None:
        """Make the run under the cursor the baseline."""
        pick = self.pick
        if pick is not None:
            self.session.baseline = pick
            self.refresh_place()

    def action_baseline(self) -> None:
        """Choose the baseline among the runs compared."""
        from cachetui.tui.screens.choose import choose_baseline

        choose_baseline(self.home, self._picks)

    def action_drop(self) -> None:
        """Leave the run under the cursor out."""
        pick = self.pick
        if pick is not None and len(self._picks) > 1:
            rest = tuple(p for p in self._picks if p != pick)
            baseline = self.session.baseline if self.session.baseline in rest else rest[0]
            self.session.choose(rest, baseline)
            self.refresh_place()

    def action_sort(self) -> None:
        """Sort by the seconds of the run under the cursor; again: by the Dockerfile."""
        at = self.query_one(Grid).cursor
        if at is not None:
            self._sort_by(at[1])

    @on(Grid.HeadingClicked, "#steps")
    def _heading_clicked(self, event: Grid.HeadingClicked) -> None:
        self._sort_by(event.column)

    def _sort_by(self, column: Hashable) -> None:
        wanted = column if isinstance(column, int) else None
        self._sorted = None if wanted == self._sorted else wanted
        self._show()

    def action_timeline(self) -> None:
        """Show the run under the cursor on a time axis, with the baseline above it."""
        pick = self.pick
        if pick is not None:
            if pick == self._picks[0] and len(self._picks) > 1:
                pick = self._picks[1]
            self.home.open_timeline(tuple(dict.fromkeys((self._picks[0], pick))))

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        if self.pick is not None:
            self.home.open_commands(self.pick)

    def exported(self) -> Document | None:
        return self.excerpt(self._picks)

    def copy_text(self) -> str | None:
        row = self.row
        return row.instruction if row else None


def _seconds(row: Row, column: int) -> float:
    step = row.cells[column] if column < len(row.cells) else None
    return step.seconds or 0.0 if step is not None else 0.0
