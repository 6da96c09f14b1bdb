"""The steps of runs as lines: beside each other, as cells of Compare, and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.report import cells, units
from cachetui.report.origins import origin
from cachetui.report.pulled import pulled
from cachetui.tui.view import signs
from cachetui.tui.view.charts import bar
from cachetui.tui.view.text import Line, Span, clean_line, fit, line

if TYPE_CHECKING:
    from cachetui.compare.align import Row
    from cachetui.records.run import Run
    from cachetui.records.step import Step

_RUN_WIDTH = 21
"""Cells of a run in the list of steps: its status, then its seconds."""

_STATUS_WIDTH = 15


def steps_side_by_side(
    runs: Sequence[Run], names: Sequence[str], width: int, height: int
) -> list[Line]:
    """The steps of one or two runs, with a name for each, in at most `height` lines of `width`
    cells. When not all steps fit, only those that differ are listed, and the others counted."""
    from cachetui.compare.align import align

    rows = align(list(runs))
    longest = max((cell_len(clean_line(row.instruction)) for row in rows), default=0) + 9
    room = max(10, min(max(longest, 40), width - _RUN_WIDTH * len(runs) - 1))
    shown = [row for row in rows if row.differs] if len(rows) >= height else list(rows)
    left_out = len(rows) - len(shown)
    title = f" line {runs[0].scenario}"
    if left_out and shown and len(title) + 23 <= room:
        title += ": where they differ (≠)"
    elif len(runs) > 1 and len(title) + 12 <= room:
        title += ": ≠ differs"
    if left_out and not shown:
        return _no_difference(title, left_out, names)
    shown_names = (f"  {cells.clip_names(name, _RUN_WIDTH - 3)}" for name in names)
    hosts = [part for name in shown_names for part in fit(((name, "strong"),), _RUN_WIDTH)]
    lines = [line(*fit(((title, "title"),), room), *hosts)]
    if len(shown) >= height:
        left_out += len(shown) - height + 2
        shown = shown[: height - 2]
    lines += [_step_row(row, room) for row in shown]
    if left_out and len(lines) < height:
        lines.append(((f"   {units.count(left_out, 'more step')} · enter compares all", "muted"),))
    return lines


def _no_difference(title: str, count: int, hosts: Sequence[str]) -> list[Line]:
    steps = units.count(count, "step")
    if len(hosts) == 1:
        return [line((title, "title")), ((f"   {steps} · enter shows them", "muted"),)]
    same = f"   ✓ none of {steps} differs between {hosts[0]} and {hosts[1]}"
    return [line((title, "title")), line((same, "good"), (" · enter shows them", "muted"))]


def _step_row(row: Row, room: int) -> Line:
    """A step: its instruction in `room` cells, then its status and seconds in each run."""
    sign: Span = ("≠ ", "warn") if row.differs else ("  ", "")
    number: Span = (f"{row.line:>3} ", "muted")
    text = cells.shorten(clean_line(row.instruction), room - 7)
    shown = fit(line(sign, number, (text, "strong" if row.differs else "")), room)
    for column, step in enumerate(row.cells):
        if step is None:
            shown = line(*shown, *fit((("  –", "muted"),), _RUN_WIDTH))
            continue
        odd = row.differs and column == 0
        seconds = units.seconds(step.seconds) if step.seconds is not None else ""
        status = line(("≠" if odd else " ", "odd" if odd else ""), " ", *signs.step_status(step))
        shown = line(
            *shown,
            *fit(status, _STATUS_WIDTH),
            *fit(((f"{seconds:>6}", ""),), _RUN_WIDTH - _STATUS_WIDTH),
        )
    return shown


def step_cell(step: Step | None, base: Step | None, width: int, slowest: float) -> Line:
    """A step of one run: status, seconds, difference from the baseline, and a bar of its share of
    the `slowest` step's seconds.

    `base` is the baseline's step, None in the baseline's own column.
    """
    sign, word, tone = signs.of_step(step)
    odd = base is not None and signs.of_step(base)[1] != word
    spans: list[Span] = [("≠" if odd else " ", "odd" if odd else "")]
    spans.append((f"{sign} {word}".ljust(9), tone))
    seconds = step.seconds if step is not None else None
    if seconds is None:
        return tuple(spans)
    spans.append((f"{units.seconds(seconds):>6}", ""))
    change = difference(seconds, base.seconds) if base is not None else ""
    left = width - 16
    if width >= 28 or (
        change and left >= 8
    ):  # in a narrow column the bar takes the place of no difference
        spans.append((f" {change:>7}", "muted"))
        left -= 8
    if left >= 4 and seconds and slowest > 0 and word != "base":
        blocks = bar(seconds / slowest, left - 1).rstrip() or "▏"
        spans.append((f" {blocks}", tone if tone == "bad" else "accent"))
    return tuple(spans)


def step_facts(step: Step | None, name: str, spread: str = "") -> Line:
    """A step of one run in words; of several hosts, whose seconds are in `spread`."""
    if step is None:
        return line((f"{name}: ", "muted"), "it has no step of its own for this line")
    words: list[str | Span] = [(f"{name}: ", "muted"), *signs.step_status(step)]
    if step.seconds is not None:
        by = {
            "engine": "measured by the engine",
            "printed": "as printed",
            "arrival": "by when its output arrived",
        }.get(step.timing or "", "")
        median = "" if spread in ("", units.seconds(step.seconds)) else f", median of {spread}"
        words.append(f" · {units.seconds(step.seconds)}{median}")
        words.append((f" {by}", "muted"))
    if origin(step):
        words.append(f" · {origin(step)}")
    if pulled(step):
        words.append(f" · {pulled(step)}")
    if step.log_lines:
        words.append(f" · {units.count(step.log_lines, 'line')} of log")
    if step.twin is not None:
        stage, index = step.twin.stage_index, step.twin.index
        words.append((f" · built once with the equal step {stage}/{index}", "muted"))
    return line(*words)


def difference(seconds: float | None, base: float | None) -> str:
    """Seconds more or less than the baseline: "+1.2s", "-0.4s", "±0"; "" without both times."""
    if seconds is None or base is None:
        return ""
    more = seconds - base
    if abs(more) < 0.05:
        return "±0" if seconds >= 0.05 else ""
    return ("+" if more > 0 else "-") + units.seconds(abs(more))
