"""Step: the logs of one step in the chosen runs side by side, or whole logs as printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from cachetui.compare.align import align
from cachetui.compare.timeline import Timeline, timeline
from cachetui.records.document import Document
from cachetui.records.step import Step
from cachetui.tui.screens.open_runs import open_commands
from cachetui.tui.screens.step_panes import MAX_PANES, StepPanes
from cachetui.tui.view import keys
from cachetui.tui.view.finding_lines import Reason
from cachetui.tui.view.text import Line, Span, Tone, line
from cachetui.tui.view.top_causes import why_line
from cachetui.tui.widgets.diff_view import DiffView
from cachetui.tui.widgets.log_pane import pane_head, step_of
from cachetui.tui.widgets.log_view import LogView
from cachetui.tui.widgets.text_panel import TextPanel

_NOTHING_CHOSEN: tuple[Line, ...] = (
    line(("No run is chosen.", "strong")),
    line(
        "Go to ",
        ("2", "key"),
        " Compare and press ",
        ("enter", "key"),
        " on a step; or in ",
        ("1", "key"),
        " Fleet ",
        ("v", "key"),
        " on a run.",
    ),
)
_PARALLEL_HINT: Line = line(
    ("Mixed lines are steps that ran in parallel: ", "muted"),
    ("v", "key"),
    (" by step, ", "muted"),
    ("4", "key"),
    (" when.", "muted"),
)


_NEED_RUNS = frozenset(
    ("diff", "search", "view", "pane", "matches_only", "next", "step", "commands")
)
"""Actions that are possible only where there is a log."""


class StepPlace(StepPanes):
    """One pane per run; `v` switches between the step's lines and the whole log."""

    PLACE = "step"
    BINDINGS: ClassVar = keys.STEP
    CSS_PATH = "step.tcss"

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="what")
        yield Horizontal(id="panes")
        yield DiffView(id="diff")
        yield TextPanel(id="hint")
        yield Input(placeholder="search, then n and N", id="search")

    _left_out = 0

    def on_resize(self) -> None:
        self.share_width()

    def on_mount(self) -> None:
        self.query_one("#search").display = False
        self.query_one(DiffView).display = False
        self.set_interval(1.0, self.grow)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.focus_pane()

    def update_place(self) -> None:
        picks = self.session.picks
        if self.session.baseline in picks:
            first = self.session.baseline
            assert first is not None
            picks = (first, *(p for p in picks if p != first))
        self._left_out = max(0, len(picks) - MAX_PANES)
        picks = picks[:MAX_PANES]
        if picks != self._picks:
            self._picks = picks
            self._focused = min(self._focused, max(0, len(picks) - 1))
            self.run_worker(self.set_panes(picks), exclusive=True, group="panes")
        else:
            self.fill()
        self._show_what()

    def _show_what(self) -> None:
        plate = self.query_one("#what", TextPanel)
        hint: Line = ()
        if not self._picks:
            plate.show(*_NOTHING_CHOSEN)
        elif self.whole:
            plate.show(
                line(
                    ("Whole log as printed", "strong"),
                    (" · the gutter names stage and Dockerfile line", "muted"),
                )
            )
            hint = _PARALLEL_HINT
        else:
            plate.show(*self._step_lines())
        if self._diffing and len(self.panes) > 1:
            hint = self.query_one(DiffView).summary
        elif self._left_out:
            hint = line((f"{self._left_out} more runs have no pane here", "muted"))
        self.query_one("#hint", TextPanel).show(*((hint,) if hint else ()))

    def _step_lines(self) -> list[Line]:
        """The step in words, and why it started early, if it did."""
        for pick in (*((self.pane.pick,) if self.pane else ()), *self._picks):
            run = self.session.run(pick)
            step = step_of(run, self.step)
            if run is not None and step is not None:
                return self._lines_of_step(step, timeline(run, self.session.dockerfile(pick.audit)))
        return [((str(self.step), "strong"),)]

    def _lines_of_step(self, step: Step, drawn: Timeline) -> list[Line]:
        stage = f"{step.stage} · " if step.stage else ""
        head = [
            line((stage, "title"), (f"line {step.line} ", "muted"), (step.instruction, "strong"))
        ]
        reason = self.reason_here()
        if reason is not None:
            head.append(why_line(reason, self.size.width - 2))
        lines_of = {bar.step.id: bar.step.line for bar in drawn.bars}
        for early in drawn.early:
            if early.step == step.id:
                before = ", ".join(str(lines_of[other]) for other in early.overtaken)
                return [*head, line((f"started before line {before}: ", "muted"), early.reason)]
        return head

    def reason_here(self) -> Reason | None:
        """The finding about the step shown: in the focused run, else in another."""
        own = (self.pane.pick,) if self.pane is not None else ()
        return self.reason_of_step((*own, *self._picks), None if self.whole else self.step)

    # The diff

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return bool(self._picks) or action not in _NEED_RUNS

    def action_diff(self) -> None:
        """Switch between the logs and what differs in them."""
        if len(self.panes) < 2:
            self.typed_app.tell("There is only one run: nothing to compare its log with.")
            return
        self._diffing = not self._diffing
        self._show_diff()
        self._show_what()
        self.focus_pane()

    def logs_changed(self) -> None:
        self.query_one(DiffView).forget()
        self._show_diff()

    def _show_diff(self) -> None:
        """Compare the baseline's log with the focused pane's."""
        shown = self._diffing and len(self.panes) > 1
        view = self.query_one(DiffView)
        view.display = shown
        self.query_one("#panes").display = not shown
        if not shown:
            return
        number = max(1, self._focused)
        first, second = self.panes[0], self.panes[number]
        texts = (self.text_of(first), self.text_of(second))
        if texts[0] is None or texts[1] is None:
            return
        titles = self.session.titles(self._picks)
        step = None if self.whole else self.step
        view.heads = (
            pane_head(self.session.run(first.pick), step, titles[0], 0, 2),
            pane_head(self.session.run(second.pick), step, titles[number], 1, 2),
        )
        view.notes = (self.no_lines(first), self.no_lines(second))
        view.compare(
            (first.shown, second.shown, first.pick, second.pick),
            (texts[0], texts[1]),
            f"{titles[0]} ↔ {titles[number]}",
        )

    @on(DiffView.Compared)
    def _compared(self) -> None:
        self._show_what()

    # Panes and steps

    def focus_pane(self) -> None:
        super().focus_pane()
        diff_view = self.query_one(DiffView)
        if diff_view.display:
            diff_view.focus()

    def action_pane(self, by: int) -> None:
        """Go to the next pane."""
        if self.panes:
            self._focused = (self._focused + by) % len(self.panes)
            self._show_diff()
            self.focus_pane()
            self._show_count()

    def action_step(self, by: int) -> None:
        """Go to the next step of the Dockerfile, or the previous."""
        runs = [run for pick in self._picks if (run := self.session.run(pick)) is not None]
        ids = [row.id for row in align(runs)]
        if not ids:
            return
        at = ids.index(self.step) if self.step in ids else (-1 if by > 0 else 0)
        self.session.step = ids[(at + by) % len(ids)]
        self.session.as_printed = False
        self.refresh_place()

    def action_view(self) -> None:
        """Switch between one step's lines and the whole log as it was printed."""
        if self.whole:
            if self.step is None:
                self.action_step(1)
                return
            self.session.as_printed = False
        else:
            self.session.as_printed = True
        self.refresh_place()

    def action_commands(self) -> None:
        """Show the commands of this run."""
        if self.pane is not None:
            open_commands(self.typed_app, self.pane.pick)

    # Searching

    def action_search(self) -> None:
        """Search in the logs shown."""
        if self._diffing:
            self.action_diff()
        box = self.query_one("#search", Input)
        box.display = True
        box.focus()

    @on(Input.Submitted, "#search")
    def _search(self, event: Input.Submitted) -> None:
        self._search_words = event.value
        for pane in self.panes:
            pane.view.matches_only = self._matches_only and bool(self._search_words)
            pane.view.find(self._search_words)
        self.query_one("#search").display = False
        self.focus_pane()

    def action_matches_only(self) -> None:
        """Show only lines that match, or all; without a search, ask for the words first."""
        self._matches_only = not (self._matches_only and self._search_words)
        if not self._search_words:
            self.action_search()
            return
        for pane in self.panes:
            pane.view.show_matches_only(self._matches_only)
        self._show_count()

    def action_next(self, by: int) -> None:
        """Go to the next match, or in the diff to the next difference; or the previous."""
        if self._diffing and len(self.panes) > 1:
            self.query_one(DiffView).next_difference(by)
        elif self.pane is not None and self.pane.view.search is not None:
            self.pane.view.next_match(by)

    @on(LogView.Searched)
    def _show_count(self) -> None:
        if not self._search_words:
            if self._picks:
                self._show_what()
            return
        parts: list[str | Span] = [("/", "key"), (f"{self._search_words}  ", "strong")]
        for number, pane in enumerate(self.panes):
            tone: Tone = "" if number == self._focused else "muted"
            parts.append((f"{pane.view.count()}   ", tone))
        what = " all lines" if self._matches_only else " only these"
        parts += [("f", "key"), (what, "muted")]
        self.query_one("#hint", TextPanel).show(line(*parts))

    def action_go_back(self) -> None:
        """Leave the search, else the place."""
        box = self.query_one("#search", Input)
        if box.display or self._search_words:
            box.value = self._search_words = ""
            box.display = self._matches_only = False
            for pane in self.panes:
                pane.view.matches_only = False
                pane.view.end_search()
            self.focus_pane()
            self._show_what()
        else:
            self.typed_app.action_go_back()

    def exported(self) -> Document | None:
        return self.excerpt(self._picks)

    def exported_text(self) -> tuple[str, Iterable[str]] | None:
        pane = self.pane
        text = self.text_of(pane) if pane is not None else None
        if text is None:
            return None
        name = self.session.titles(self._picks)[min(self._focused, len(self._picks) - 1)]
        return f"the whole log of {name}", (entry.text for entry in text)

    def copy_text(self) -> str | None:
        pane = self.pane
        if pane is None:
            return None
        view = pane.view
        if view.here is not None:
            return view.line_text(view.here)
        top = view.scroll_offset.y
        bottom = min(view.rows, top + view.size.height)
        return "\n".join(view.line_text(view.number_of(row)) for row in range(top, bottom))
