"""The table of Compare: steps in rows, under their stages, and runs in columns. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from cachetui.compare.align import Row, align
from cachetui.records.run import Run
from cachetui.records.step import Step
from cachetui.report import cells, units
from cachetui.report.columns import stage_name
from cachetui.tui.view import signs, step_lines
from cachetui.tui.view.charts import horizontal_rule
from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column
from cachetui.tui.view.grouped_runs import seconds_of_step, seconds_range, totals, typical
from cachetui.tui.view.text import Line, Span, clean_line, joined, line

STEP = "step"
"""The key of the first column; the others are numbers of runs, the baseline being 0."""

NO_RUNS: tuple[Line, ...] = (
    line(("No runs are chosen to compare.", "strong")),
    (),
    line(
        "Go to ",
        ("1", "key"),
        " Fleet: ",
        ("enter", "key"),
        " on a run compares it with one of the majority;",
    ),
    line(
        ("space", "key"),
        " marks several. ",
        ("p", "key"),
        " here offers what is most often compared.",
    ),
)

_STEP_WIDTH = 20
"""Cells that the column of steps has at least, where there are several runs to show."""

_WITH_BAR, _WITHOUT_BAR = 24, 16
"""Cells of a run: with the bar of a step's seconds, and with the status and seconds alone."""


class CompareTable:
    """The steps of some runs, aligned. `rows` are the rows shown by key: the id of a step, or
    ("stage", number) for a heading."""

    def __init__(self) -> None:
        self.everything = False
        self.sorted_by: int | None = None
        self.rows: dict[Hashable, Row] = {}
        self.runs: list[Run] = []
        self.names: list[str] = []
        self._alike: list[list[Run]] = []
        self._steps: tuple[Row, ...] = ()
        self._slowest = 0.0
        self._aligned: tuple[int, ...] = ()

    def show(self, alike: list[list[Run]], names: list[str]) -> None:
        """Show these runs, the baseline first, in a column each; those of hosts that behave alike
        share one, and have their median seconds there. `names` are the columns' titles."""
        self.names = names
        identities = tuple(id(run) for column in alike for run in column)
        if identities != self._aligned:
            self._aligned = identities
            self._alike = alike
            self.runs = runs = [*map(typical, alike)]
            self._steps = align(runs)
            times = [step.seconds or 0.0 for run in runs for step in run.steps]
            self._slowest = max(times, default=0.0)
            if self.sorted_by is not None and self.sorted_by >= len(runs):
                self.sorted_by = None
        self.update_rows()

    @property
    def differing(self) -> int:
        """How many steps differ."""
        return sum(row.differs for row in self._steps)

    def update_rows(self) -> None:
        """Choose and order the rows: all steps, or those that differ."""
        shown = [row for row in self._steps if self._shows_all or row.differs]
        by_run = self.sorted_by
        if by_run is not None:
            shown.sort(key=lambda row: -_seconds(row, by_run))
        self.rows = {}
        previous: tuple[int, str | None] | None = None
        for row in shown:
            stage = (row.id.stage_index, row.stage)
            if stage != previous and by_run is None:
                previous = stage
                self.rows["stage", row.id.stage_index] = row
            self.rows[row.id] = row

    @property
    def _shows_all(self) -> bool:
        return self.everything or len(self.runs) < 2

    def empty(self) -> tuple[Line, ...]:
        """What stands in place of rows."""
        if not self.runs:
            return NO_RUNS
        count = len(self._steps)
        return (line(("✓ ", "good"), "No step differs. ", ("a", "key"), f" shows all {count}."),)

    def summary(self, shared: Sequence[str], width: int) -> tuple[Line, ...]:
        """How many steps differ, what the runs have in common (`shared`), and which is the
        baseline; as much of it as fits into `width` cells."""
        if not self.runs:
            return ()
        parts: list[Line] = []
        if len(self.runs) > 1:
            differing = self.differing
            sign: Span = ("≠ ", "warn") if differing else ("✓ ", "good")
            verb = "differs" if differing == 1 else "differ"
            steps = units.count(len(self._steps), "step")
            parts.append(line(sign, f"{differing} of {steps} {verb}"))
        if shared:
            parts.append(((" ".join(shared), "strong"),))
        if len(self.runs) > 1:
            parts.append(((f"baseline {self.names[0]}", "muted"),))
        parts.append((("all steps" if self._shows_all else "differences only", "muted"),))
        return (joined(width, parts),)

    def columns(self, width: int) -> tuple[Column, ...]:
        """The steps, then the runs with their hit ratio and seconds, in `width` cells. Where not
        all runs fit, their bars are left out before runs are."""
        run_width, beside = _share_width(width, len(self.runs))
        more = MORE_SIGN_WIDTH if len(self.runs) > beside else 0
        step_width = max(12, min(26, width - 3 - (run_width + 1) * beside - more))
        columns = [Column(STEP, ("", " LINE STEP"), step_width, 2, 100)]
        base = self.runs[0] if self.runs else None
        for number, (name, run) in enumerate(zip(self.names, self.runs, strict=True)):
            ratio, seconds = totals(self._alike[number])
            total = f"{ratio} {seconds}" if len(ratio) + len(seconds) + 2 <= run_width else ratio
            if number == 0:
                role = "baseline" if len(self.runs) > 1 else ""
            else:
                role = step_lines.difference(run.seconds, base.seconds if base else None)
            arrow = " ▾" if self.sorted_by == number else ""
            below = f" {total}  {role}".rstrip()
            titles = (f" {name}{arrow}", below if len(below) <= run_width else f" {total}")
            columns.append(Column(number, titles, run_width, 1, 48))
        return tuple(columns)

    def heading(self, key: Hashable, width: int) -> Line | None:
        """The heading of a stage; None for a step."""
        if not isinstance(key, tuple):
            return None
        row = self.rows[key]
        return horizontal_rule(stage_name(row.id.stage_index, row.stage), width)

    def cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        """A step's instruction, or how it went in a run."""
        row = self.rows.get(key)
        if row is None:
            return ()
        if column == STEP:
            number = f"{row.line:>3} "
            sign: Span = ("≠ ", "warn") if row.differs else ("  ", "")
            text = cells.shorten(clean_line(row.instruction), max(4, width - 2 - len(number)))
            return line(sign, (number, "muted"), (text, "strong" if row.differs else ""))
        assert isinstance(column, int)
        if column >= len(row.cells):
            return ()
        base = row.cells[0] if column else None
        return step_lines.step_cell(row.cells[column], base, width, self._slowest)

    def facts(self, row: Row, column: int, width: int) -> list[Line]:
        """A step in words: its instruction in two lines at most, and how it went in a run."""
        wrapped = cells.wrap(clean_line(row.instruction), width - 9, "", "    ")
        if len(wrapped) > 2:
            wrapped = [wrapped[0], cells.clip(wrapped[1], width - 11) + " …"]
        lines: list[Line] = [
            line((f"line {row.line:<4}" if not n else " " * 9, "muted"), text)
            for n, text in enumerate(wrapped)
        ]
        step = row.cells[column] if column < len(row.cells) else None
        name = cells.clip_names(self.names[column], max(12, width // 3))
        lines.append(step_lines.step_facts(step, name, self._spread(step, column)))
        if step is not None and step.error:
            lines.append(line(("✗ ", "bad"), signs.step_error(step)))
        return lines

    def _spread(self, step: Step | None, column: int) -> str:
        """From which seconds to which, where several hosts share a column; "" for one."""
        runs = self._alike[column]
        if step is None or len(runs) < 2:
            return ""
        return seconds_range(seconds_of_step(runs, step.id))


def _share_width(width: int, runs: int) -> tuple[int, int]:
    """The width of a run's column, and how many runs stand beside the steps in `width` cells."""
    room = width - 3 - _STEP_WIDTH
    if runs * (_WITH_BAR + 1) <= room:
        return _WITH_BAR, runs
    beside = max(1, min(runs, room // (_WITHOUT_BAR + 1)))
    return _WITHOUT_BAR, beside


def _seconds(row: Row, column: int) -> float:
    step = row.cells[column] if column < len(row.cells) else None
    return step.seconds or 0.0 if step is not None else 0.0
