"""Images compared, for the terminal: which are the same, step by step, and which files differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.records.step import StepId
from cachetui.report import cells
from cachetui.report.clean import clean_line
from cachetui.report.outputs import view
from cachetui.report.signs import ODD
from cachetui.report.style import paint
from cachetui.report.units import NOTHING

NARROWEST = 40
"""A narrower terminal is drawn for as if it were this wide."""

LogNote = Callable[[StepId, OutputGroup], str]

MAX_PATHS = 20
"""Paths of a step that are shown unless all are asked for; the JSON has more."""

_GAP = "  "
_STEP_LEAST = 24


def render(
    report: OutputsReport,
    *,
    width: int,
    color: bool,
    max_paths: int = MAX_PATHS,
    log_note: LogNote | None = None,
) -> str:
    """The comparison as lines of at most `width` cells, ending in a newline. The answer, whether it
    is the same image, stands last, next to the prompt. `log_note` says how the logs of a step
    differ between the baseline and the first image of a group, "" for nothing."""
    table = _Table(report, max(width, NARROWEST), color, max_paths, log_note)
    lines: list[str] = []
    for part in (table.groups(), table.steps(), table.paths(), table.settings(), table.verdict()):
        if part:
            lines += [*([""] if lines else []), *part]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def brief(report: OutputsReport, audit: str, *, width: int, color: bool) -> str:
    """The answer in a few lines, to stand under an audit's table, and how to see more."""
    table = _Table(report, max(width, NARROWEST), color, MAX_PATHS, None)
    lines = [paint("images", "bold", color), *table.groups(), *table.verdict()]
    if len(report.groups) > 1:
        lines.append(paint(f"the files: cachetui outputs {audit}", "dim", color))
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Table:
    def __init__(
        self,
        report: OutputsReport,
        width: int,
        color: bool,
        max_paths: int,
        log_note: LogNote | None,
    ) -> None:
        self.log_note = log_note
        self.report = report
        self.width = width
        self.color = color
        self.max_paths = max_paths
        self.rows = view.rows(report)
        self.shown = view.shown_groups(report)

    def paint(self, text: str, style: str) -> str:
        return paint(text, style, self.color)

    def groups(self) -> list[str]:
        """Which images are the same, and which could not be compared."""
        lines: list[str] = []
        for name, images in view.groups(self.report):
            if name == NOTHING:
                text = cells.wrap(f"{name} {images}", self.width, "", "    ")
                lines += [self.paint(line, "dim") for line in text]
            else:
                lines += cells.wrap(f"{name} = {images}", self.width, "", "    ")
        return lines

    def steps(self) -> list[str]:
        """A row a step, a column a group, in blocks that fit."""
        if not self.rows:
            return []
        number = max(len(str(row.line or "")) for row in self.rows)
        widths = [
            max(cells.width(group.name), *(cells.width(row.cells[i].text) for row in self.rows))
            for i, group in enumerate(self.shown)
        ]
        longest = max(cells.width(row.instruction) for row in self.rows)
        lines: list[str] = []
        for block in _blocks(widths, self.width - 2 - number - 1 - min(longest, _STEP_LEAST)):
            used = sum(widths[i] + len(_GAP) for i in block)
            label = min(longest, self.width - 2 - number - 1 - used)
            names = "".join(_GAP + cells.pad(self.shown[i].name, widths[i]) for i in block)
            lines += [
                *([""] if lines else []),
                " " * (3 + number + label) + self.paint(names, "bold"),
            ]
            for row in self.rows:
                sign = self.paint(ODD, "bold") if row.differs else " "
                name = cells.pad(cells.shorten(row.instruction, label), label)
                across = "".join(self._cell(row.cells[i], widths[i]) for i in block)
                lines.append(f"{sign} {row.line or '':>{number}} {name}{across}")
        return lines

    def _cell(self, cell: view.Cell, width: int) -> str:
        return _GAP + self.paint(cells.pad(cell.text, width), view.STYLES[cell.verdict])

    def paths(self) -> list[str]:
        """The paths that differ, under their steps."""
        lines: list[str] = []
        for row in self.rows:
            paths, more = view.paths(row, self.shown)
            if not paths:
                continue
            head = f"line {row.line} {row.instruction}" if row.line else row.instruction
            lines += [*([""] if lines else []), self.paint(cells.clip(head, self.width), "bold")]
            lines += self._log(row)
            for path in paths[: self.max_paths]:
                lines += self._path(path)
            more += max(0, len(paths) - self.max_paths)
            if more:
                lines.append(self.paint(f"    … and {more} more", "dim"))
        return lines

    def _log(self, row: view.Row) -> list[str]:
        """What the step printed, in the groups where it differs."""
        if self.log_note is None or row.key is None:
            return []
        stage, index, trigger = row.key
        step = StepId(stage, index, None if trigger < 0 else trigger)
        notes: dict[str, list[str]] = {}
        for cell, group in zip(row.cells, self.shown, strict=True):
            note = self.log_note(step, group) if cell.differs else ""
            if note:
                notes.setdefault(note, []).append(group.name)
        lines: list[str] = []
        for note, groups in notes.items():
            names = "" if len(self.shown) == 1 else f"  ({', '.join(groups)})"
            lines += [
                self.paint(t, "dim") for t in cells.wrap(note + names, self.width, "  · ", "    ")
            ]
        return lines

    def _path(self, row: view.PathRow) -> list[str]:
        only = row.difference.kind in ("only-a", "only-b")
        groups = ", ".join(row.groups)
        names = "" if only or len(self.shown) == 1 else f"  ({groups})"
        how = view.what(row.difference, self.report.groups[0].name, groups)
        style = view.STYLES["metadata" if row.difference.kind == "metadata" else "content"]
        text = f"{row.path}  {how}{names}"
        first, *rest = cells.wrap(text, self.width - 4) or [""]
        return [f"  {self.paint(row.sign, style)} {first}", *(f"      {line}" for line in rest)]

    def settings(self) -> list[str]:
        """Settings of the configuration that differ."""
        lines: list[str] = []
        for group in self.shown:
            for setting in group.difference.settings:
                a, b = view.setting_value(setting.a), view.setting_value(setting.b)
                text = f"{view.SIGNS['metadata']} {clean_line(setting.name)}: {a} and {b}"
                names = "" if len(self.shown) == 1 else f"  ({group.name})"
                lines += cells.wrap(text + names, self.width, "  ", "      ")
        return [self.paint("configuration", "bold"), *lines] if lines else []

    def verdict(self) -> list[str]:
        """The answer."""
        lines: list[str] = []
        ignored = view.ignored(self.report)
        if ignored:
            lines += [self.paint(line, "dim") for line in cells.wrap(ignored, self.width)] + [""]
        headline, places = view.verdict(self.report)
        answer = cells.wrap(f"{view.verdict_sign(self.report)} {headline}", self.width)
        lines += [self.paint(line, "bold") for line in answer]
        for text in places:
            lines += cells.wrap(text, self.width, "  ", "    ")
        return lines


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns by number, in blocks that fit `room` cells each."""
    blocks: list[list[int]] = []
    left = 0
    for column, width in enumerate(widths):
        needed = width + len(_GAP)
        if not blocks or needed > left:
            blocks.append([])
            left = room
        blocks[-1].append(column)
        left -= needed
    return blocks
