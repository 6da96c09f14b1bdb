"""The panes of Step: one log per run, opened in a thread, growing while the run does."""

from __future__ import annotations

from textual import on
from textual.containers import Horizontal

from cachetui.records.step import StepId
from cachetui.store.log_text import LogText
from cachetui.store.run_log import RunLog
from cachetui.tui.background import run_in_background
from cachetui.tui.screens.place import Place
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import Line, Span, Tone, cut, line
from cachetui.tui.widgets.log_pane import LogPane, pane_head, step_of
from cachetui.tui.widgets.log_view import LogView

MAX_PANES = 16
"""Runs whose logs are open at once; the others are counted."""

MIN_PANE_WIDTH = 36
"""Cells that a pane needs: as many panes are side by side as have them."""

_STAGE_TONES: tuple[Tone, ...] = ("accent", "good", "warn", "title", "")


class StepPanes(Place):
    """The base of Step: opens the chosen runs' logs; `StepPlace` adds search, diff and keys."""

    def __init__(self) -> None:
        super().__init__()
        self._picks: tuple[Pick, ...] = ()
        self._focused = 0
        self._search_words = ""
        self._matches_only = False
        self._diffing = False

    @property
    def step(self) -> StepId | None:
        """The step shown; None for output that belongs to no step."""
        return self.session.step

    @property
    def whole(self) -> bool:
        """Whether whole logs are shown as they were printed, not one step's lines."""
        return self.session.as_printed or self.step is None

    @property
    def panes(self) -> list[LogPane]:
        return list(self.query(LogPane))

    @property
    def pane(self) -> LogPane | None:
        """The focused pane."""
        panes = self.panes
        return panes[min(self._focused, len(panes) - 1)] if panes else None

    def logs_changed(self) -> None:
        """Called when a pane shows another log, or more of it."""

    def focus_pane(self) -> None:
        """Give the focus to the focused pane's log."""
        self.share_width()
        if self.pane is not None:
            self.pane.view.focus()

    def share_width(self) -> None:
        """Show as many panes as have room: the baseline's, and those around the focused one."""
        panes = self.panes
        side_by_side = max(1, self.size.width // MIN_PANE_WIDTH)
        first = min(max(1, self._focused - side_by_side + 2), max(1, len(panes) - side_by_side + 1))
        for number, pane in enumerate(panes):
            if side_by_side == 1:
                pane.display = number == self._focused
            else:
                pane.display = number == 0 or first <= number < first + side_by_side - 1
            pane.set_class(number == self._focused, "-here")

    # What is open

    async def set_panes(self, picks: tuple[Pick, ...]) -> None:
        """Open a pane for each of these runs, and close the others."""
        holder = self.query_one("#panes", Horizontal)
        await holder.remove_children()
        await holder.mount(*(LogPane(pick) for pick in picks))
        self.fill()
        self.focus_pane()

    def fill(self) -> None:
        """Open the log of every pane that does not show it yet."""
        titles = self.session.titles(self._picks)
        step = None if self.whole else self.step
        for number, pane in enumerate(self.panes):
            run = self.session.run(pane.pick)
            wanted = (self.step, self.session.as_printed, run.id if run else None)
            pane.head.show(pane_head(run, step, titles[number], number, len(titles)))
            if pane.shown != wanted:
                pane.shown = wanted
                self._open(pane)
        self.share_width()
        self.logs_changed()

    def _open(self, pane: LogPane, *, follow: bool = False) -> None:
        """Open a pane's log in a thread: its index may be long."""
        session, step, whole, pick = self.session, self.step, self.whole, pane.pick
        wanted = pane.shown

        def read() -> tuple[RunLog | None, LogText | None]:
            log = session.open_log(pick)
            if log is None:
                return None, None
            return log, log.whole() if whole or step is None else log.step(step)

        def done(opened: tuple[RunLog | None, LogText | None]) -> None:
            self._opened(pane, wanted, *opened, "", follow)

        def failed(error: Exception) -> None:
            self._opened(pane, wanted, None, None, str(error), follow)

        run_in_background(self.typed_app, "log", read, done, failed)

    def _opened(
        self,
        pane: LogPane,
        wanted: tuple[object, ...],
        log: RunLog | None,
        text: LogText | None,
        error: str,
        follow: bool,
    ) -> None:
        if pane.shown != wanted or not pane.is_mounted:
            if log is not None:
                log.close()
            return
        old = pane.log_file
        pane.log_file = log
        pane.view.show(
            text,
            gutter=self._gutter if self.whole else None,
            gutter_width=self._gutter_width,
            empty=(self.no_lines(pane, log is not None, error),),
            follow=follow,
        )
        if old is not None:
            old.close()
        if self._search_words and not follow:
            pane.view.matches_only = self._matches_only
            pane.view.find(self._search_words)
        self.logs_changed()

    def grow(self) -> None:
        """Show what running builds have printed since."""
        if not self.session.running or self.app.screen is not self or self._diffing:
            return
        for pane in self.panes:
            if self.session.run(pane.pick) is None and pane.view.search is None:
                self._open(pane, follow=True)

    def text_of(self, pane: LogPane) -> LogText | None:
        """What a pane shows, for a reader of its own; None until its log is open."""
        if pane.log_file is None:
            return None
        if self.whole or self.step is None:
            return pane.log_file.whole()
        return pane.log_file.step(self.step)

    def no_lines(self, pane: LogPane, stored: bool = True, error: str = "") -> Line:
        """Why a pane shows no lines."""
        step = None if self.whole else step_of(self.session.run(pane.pick), self.step)
        if error:
            return line(("✗ ", "bad"), error)
        if not stored:
            return (("No log was stored of this run.", "muted"),)
        if step is not None and step.status == "hit":
            return line(("✓ HIT", "good"), (": from the cache, nothing ran", "muted"))
        return (("Nothing was printed.", "muted"),)

    def _gutter(self, step: StepId | None) -> Span:
        """Which step a line belongs to, where steps interleave: stage and Dockerfile line."""
        if step is None:
            return ("", "muted")
        name, number = self._step_names().get(step, (f"stage {step.stage_index}", None))
        tone = _STAGE_TONES[step.stage_index % len(_STAGE_TONES)]
        where = f" {number}" if number is not None else ""
        return (cut(name, self._gutter_width - len(where)) + where, tone)

    @property
    def _gutter_width(self) -> int:
        return 16 if self.size.width // max(1, min(2, len(self._picks))) >= 60 else 10

    def _step_names(self) -> dict[StepId, tuple[str, int]]:
        return {
            step.id: (step.stage or f"stage {step.stage_index}", step.line)
            for pick in self._picks
            if (run := self.session.run(pick)) is not None
            for step in run.steps
        }

    # Scrolling

    @on(LogView.Scrolled)
    def _scrolled(self, event: LogView.Scrolled) -> None:
        """Scroll the other panes like the focused one."""
        here = self.pane
        if here is None or event.view is not here.view:
            return
        for pane in self.panes:
            if pane is not here:
                pane.view.scroll_with(event.line, event.left)
