"""Timeline: when the steps of one or two runs were at work, on one time axis."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.timeline import Bar, Timeline, timeline
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report import cells, units
from cachetui.report.signs import CRITICAL
from cachetui.tui import keys, signs
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, Tone, clean_line, fit, joined, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid

BarKey = tuple[int, StepId]
"""A bar: the number of its run, and its step."""


class TimelinePlace(Place):
    """Rows are steps, each with its bar; the runs stand above each other on the same scale."""

    PLACE = "timeline"
    ENTER = "Step log"
    BINDINGS: ClassVar = keys.TIMELINE
    CSS_PATH = "timeline.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._picks: tuple[Pick, ...] = ()
        self._drawn: list[tuple[Run, Timeline]] = []
        self._bars: dict[Hashable, Bar] = {}
        self._of: object = None
        self._by_start = False
        self._critical_only = False
        self._scale = 1.0

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, heading=self._heading, id="bars")
        yield Plate(id="facts")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        session = self.session
        picks = [pick for pick in session.picks if session.run(pick) is not None]
        if session.baseline in picks:
            picks.sort(key=lambda pick: pick != session.baseline)
        if not picks:
            run = next((r for r in session.runs() if r.steps and r.backend == "buildkit"), None)
            if run is not None:
                picks = [session.pick((run.host, run.scenario, run.repeat))]
        self._picks = tuple(picks[:2])
        runs = [run for pick in self._picks if (run := session.run(pick)) is not None]
        state = (self._picks, tuple(map(id, runs)))
        if state != self._of:
            self._of = state
            self._drawn = [
                (run, timeline(run, session.dockerfile(pick.audit)))
                for pick, run in zip(self._picks, runs, strict=True)
            ]
            self._scale = max((drawn.wall for _, drawn in self._drawn), default=1.0) or 1.0
        self._show()

    def _show(self) -> None:
        grid = self.query_one(Grid)
        rows: list[Hashable] = []
        self._bars = {}
        for number, (_, drawn) in enumerate(self._drawn):
            rows += [("run", number), ("axis", number)]
            bars = [bar for bar in drawn.bars if bar.critical or not self._critical_only]
            if self._by_start:
                bars.sort(key=lambda bar: bar.start)
            for bar in bars:
                self._bars[number, bar.step.id] = bar
                rows.append((number, bar.step.id))
            if number + 1 < len(self._drawn):
                rows.append(("gap", number))
        grid.empty = (
            line(("No run to show yet.", "strong")),
            line(
                "A run is shown once it has ended: ",
                ("t", "key"),
                " on it in Fleet or Compare brings you here.",
            ),
        )
        room = self.size.width
        grid.show(
            rows,
            (
                Column("step", (), max(12, min(44, room * 3 // 10)), 0),
                Column("bar", (), 16, 1),
                Column("seconds", (), 7, 0, align="right"),
            ),
        )
        self._show_facts()

    # Rows

    def _heading(self, key: Hashable, width: int) -> Line | None:
        assert isinstance(key, tuple)
        kind, number = key[0], key[1]
        if kind == "gap":
            return ()
        if kind == "run":
            run, drawn = self._drawn[number]
            role = "baseline" if number == 0 and len(self._drawn) > 1 else ""
            return run_heading(f"{run.host} {run.scenario}", role, drawn, width)
        if kind == "axis":
            grid = self.query_one(Grid)
            left, room = grid.place_of("bar")
            order = "by start" if self._by_start else "by line"
            only = f"{CRITICAL} only · " if self._critical_only else ""
            head = fit(line((f"  {only}{order}", "muted")), left)
            return line(*head, (axis(self._scale, room), "muted"))
        return None

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        bar = self._bars.get(key)
        if bar is None:
            return ()
        step = bar.step
        if column == "step":
            sign: Span = (CRITICAL + " ", "accent") if bar.critical else ("  ", "")
            number = f"{step.line:>3} "
            text = cells.shorten(clean_line(step.instruction), max(3, width - 2 - len(number)))
            return line(sign, (number, "muted"), (text, "" if bar.critical else "muted"))
        if column == "seconds":
            return ((units.seconds(bar.end - bar.start), ""),)
        return track(bar, self._scale, width)

    # What the cursor is on

    @property
    def _here(self) -> tuple[int, Bar] | None:
        at = self.query_one(Grid).cursor
        bar = self._bars.get(at[0]) if at else None
        if at is None or bar is None or not isinstance(at[0], tuple):
            return None
        return at[0][0], bar

    @on(Grid.Moved, "#bars")
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        plate = self.query_one("#facts", Plate)
        here = self._here
        if here is None:
            plate.show()
            return
        number, bar = here
        _, drawn = self._drawn[number]
        plate.show(*bar_facts(bar, drawn))

    # Keys

    @on(Grid.Opened, "#bars")
    def _opened(self) -> None:
        here = self._here
        if here is not None:
            self.session.choose(self._picks)
            self.home.open_step(here[1].step.id)

    def action_sort(self) -> None:
        """Order by the Dockerfile, or by when steps started."""
        self._by_start = not self._by_start
        self._show()

    def action_critical(self) -> None:
        """Show all steps, or the critical path alone."""
        self._critical_only = not self._critical_only
        self._show()

    def action_choose(self) -> None:
        """Choose the run to show, and the one above it."""
        from cachetui.tui.screens.choose import choose_run

        first = self._picks[0] if self._picks else None

        def chosen(pick: Pick) -> None:
            self.session.choose((first, pick) if first is not None else (pick,))
            self.refresh_place()

        choose_run(self.home, "Which run beside the first?", chosen)

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        here = self._here
        if here is not None:
            self.home.open_commands(self._picks[here[0]])

    def exported(self) -> Document | None:
        return self.excerpt(self._picks)

    def copy_text(self) -> str | None:
        here = self._here
        return here[1].step.instruction if here else None


def run_heading(name: str, role: str, drawn: Timeline, width: int) -> Line:
    """Whose bars follow, and what decided how long it took; what has room of it."""
    parts: list[Line] = [line((f"{name} ", "title"), (units.seconds(drawn.wall), "strong"))]
    if role:
        parts.append(((role, "muted"),))
    if drawn.share is not None and drawn.critical:
        share = f"{CRITICAL} critical path {units.percent(drawn.share)}"
        at_work = units.seconds(drawn.critical_seconds)
        whole = line((share, "accent"), (f" of it ({at_work} at work)", "muted"))
        parts.append(whole if width >= 100 else ((share, "accent"),))
    if drawn.lanes > 1:
        parts.append(((f"up to {units.count(drawn.lanes, 'step')} at once", "muted"),))
    elif drawn.bars:
        parts.append((("one step at a time", "muted"),))
    if drawn.untimed:
        parts.append(((f"{units.count(len(drawn.untimed), 'step')} without times", "muted"),))
    return joined(width, parts)


def track(bar: Bar, scale: float, width: int) -> Line:
    """A step's bar on the axis: dots while it waited for its turn, blocks while at work."""
    left, text = signs.stretch(bar.start, bar.end, scale, width)
    text = text[: width - left]
    waited_from = int(max(0.0, bar.start - bar.waited) / scale * width) if scale > 0 else 0
    dots = left - min(waited_from, left) if bar.waited >= scale / max(1, width) else 0
    tone: Tone = "accent" if bar.critical else "muted"
    if bar.step.status == "failed":
        tone = "bad"
    elif bar.step.status == "hit":
        tone = "good"
    return line(" " * (left - dots), ("·" * dots, "muted"), (text, tone))


def axis(scale: float, width: int) -> str:
    """The seconds along the axis, at round figures."""
    if width < 8 or scale <= 0:
        return ""
    most = max(1, width // 9)
    step = next(
        (
            s
            for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)
            if scale / s <= most
        ),
        scale,
    )
    text = [" "] * width
    count = int(scale / step) + 1
    for number in range(count):
        at = int(number * step / scale * width)
        seconds = number * step
        label = "│" + (units.seconds(seconds) if step < 1 or seconds >= 60 else f"{seconds:.0f}s")
        if at + len(label) <= width:
            text[at : at + len(label)] = label
    return "".join(text).rstrip()


def bar_facts(bar: Bar, drawn: Timeline) -> list[Line]:
    """A step in words: when, what it waited for, and why it could start when it did."""
    step = bar.step
    lines_of = {other.step.id: other.step.line for other in drawn.bars}
    head: list[str | Span] = [(f"line {step.line} ", "muted"), (step.instruction, "strong")]
    told: list[str | Span] = [*signs.step_status(step)]
    told.append(f" from {units.seconds(bar.start)} to {units.seconds(bar.end)}")
    if bar.needs:
        needed = ", ".join(str(lines_of[need]) for need in bar.needs if need in lines_of)
        told.append((f" · builds on line {needed}", "muted"))
    if bar.waited >= 0.05:
        told.append((f" · waited {units.seconds(bar.waited)} more", "muted"))
    if bar.critical:
        told.append((" · ◆ on the critical path", "accent"))
    found = [line(*head), line(*told)]
    for early in drawn.early:
        if early.step == step.id:
            before = ", ".join(str(lines_of[other]) for other in early.overtaken)
            found.append(line((f"started before line {before}: ", "muted"), early.reason))
    return found[:4]
