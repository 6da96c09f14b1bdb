"""Timeline: when the steps of one or two runs were at work, on one time axis."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget

from cachetui.compare.timeline import Bar, Timeline, timeline
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.report import cells, units
from cachetui.report.signs import CRITICAL
from cachetui.tui.screens.open_runs import open_commands, open_step
from cachetui.tui.screens.place import Place
from cachetui.tui.view import keys
from cachetui.tui.view.column import Column
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import Line, Span, clean_line, fit, line
from cachetui.tui.view.timeline_lines import axis, bar_facts, run_heading, track
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel


class TimelinePlace(Place):
    """Rows are steps, each with its bar; the runs are above each other on the same scale."""

    PLACE = "timeline"
    ENTER = "Step log"
    BINDINGS: ClassVar = keys.TIMELINE
    NEED_ROWS: ClassVar = frozenset(("sort", "critical", "choose", "commands"))
    CSS_PATH = "timeline.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._picks: tuple[Pick, ...] = ()
        self._drawn: list[tuple[Run, Timeline]] = []
        self._bars: dict[Hashable, Bar] = {}
        self._drawn_for: object = None
        self._by_start = False
        self._critical_only = False
        self._scale = 1.0

    def body(self) -> Iterator[Widget]:
        yield Grid(cell=self._cell, heading=self._heading, id="bars")
        yield TextPanel(id="facts")

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
        if state != self._drawn_for:
            self._drawn_for = state
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
        plate = self.query_one("#facts", TextPanel)
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
            open_step(self.typed_app, here[1].step.id)

    def action_sort(self) -> None:
        """Order steps by the Dockerfile, or by when they started."""
        self._by_start = not self._by_start
        self._show()

    def action_critical(self) -> None:
        """Show all steps, or only the critical path."""
        self._critical_only = not self._critical_only
        self._show()

    def action_choose(self) -> None:
        """Choose the run to show below the first."""
        from cachetui.tui.screens.choose_runs import choose_run

        first = self._picks[0] if self._picks else None

        def chosen(pick: Pick) -> None:
            self.session.choose((first, pick) if first is not None else (pick,))
            self.refresh_place()

        choose_run(self.typed_app, "Which run next to the first?", chosen)

    def action_commands(self) -> None:
        """Show the commands of the run under the cursor."""
        here = self._here
        if here is not None:
            open_commands(self.typed_app, self._picks[here[0]])

    def exported(self) -> Document | None:
        return self.excerpt(self._picks)

    def copy_text(self) -> str | None:
        here = self._here
        return here[1].step.instruction if here else None
