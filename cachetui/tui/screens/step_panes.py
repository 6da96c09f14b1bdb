"""The panes of Step: a log a run, opened beside the app, grown while it runs, scrolled together."""

from __future__ import annotations

import threading

from textual import on
from textual.containers import Horizontal

from cachetui.records.step import StepId
from cachetui.store.log_blocks import LogError
from cachetui.store.log_text import LogText
from cachetui.store.run_log import RunLog
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, Tone, cut, line
from cachetui.tui.widgets.logview import LogView
from cachetui.tui.widgets.pane import Pane, pane_head, step_of

MOST_PANES = 16
"""Runs whose logs are open at once; those beyond are said to be left out."""

LEAST_WIDTH = 36
"""Cells that a pane needs: as many panes stand side by side as have them."""

_STAGE_TONES: tuple[Tone, ...] = ("accent", "good", "warn", "title", "")


class StepPanes(Place):
    """The part of Step that holds the logs; `StepPlace` says what is looked at in them."""

    def __init__(self) -> None:
        super().__init__()
        self._picks: tuple[Pick, ...] = ()
        self._focus: int = 0
        self._words = ""
        self._diffing = False

    @property
    def step(self) -> StepId | None:
        """The step looked at; None means what belongs to no step."""
        return self.session.step

    @property
    def whole(self) -> bool:
        """Whether everything is shown as it was printed, not one step's lines."""
        return self.session.as_printed or self.step is None

    @property
    def panes(self) -> list[Pane]:
        return list(self.query(Pane))

    @property
    def pane(self) -> Pane | None:
        """The pane one is in."""
        panes = self.panes
        return panes[min(self._focus, len(panes) - 1)] if panes else None

    def logs_changed(self) -> None:
        """A pane shows another log, or more of it."""

    def focus_pane(self) -> None:
        """Give the keys to the pane one is in."""
        self.share_width()
        if self.pane is not None:
            self.pane.view.focus()

    def share_width(self) -> None:
        """Show as many panes as have room: the baseline's, and those around the one one is in."""
        panes = self.panes
        side_by_side = max(1, self.size.width // LEAST_WIDTH)
        first = min(max(1, self._focus - side_by_side + 2), max(1, len(panes) - side_by_side + 1))
        for number, pane in enumerate(panes):
            if side_by_side == 1:
                pane.display = number == self._focus
            else:
                pane.display = number == 0 or first <= number < first + side_by_side - 1
            pane.set_class(number == self._focus, "-here")

    # What is open

    async def set_panes(self, picks: tuple[Pick, ...]) -> None:
        """Open a pane for each of these runs, and let go of those that were open."""
        holder = self.query_one("#panes", Horizontal)
        await holder.remove_children()
        await holder.mount(*(Pane(pick) for pick in picks))
        self.fill()
        self.focus_pane()

    def fill(self) -> None:
        """Open what each pane should show and does not yet."""
        titles = self.session.titles(self._picks)
        looked_at = None if self.whole else self.step
        for number, pane in enumerate(self.panes):
            run = self.session.run(pane.pick)
            wanted = (self.step, self.session.as_printed, run.id if run else None)
            pane.head.show(pane_head(run, looked_at, titles[number], number, len(titles)))
            if pane.shown != wanted:
                pane.shown = wanted
                self._open(pane)
        self.share_width()
        self.logs_changed()

    def _open(self, pane: Pane, *, follow: bool = False) -> None:
        """Open a pane's log in a thread: its index may be long."""
        step, whole, pick, wanted = self.step, self.whole, pane.pick, pane.shown

        def body() -> None:
            log: RunLog | None = None
            text: LogText | None = None
            trouble = ""
            try:
                log = self.session.open_log(pick)
                if log is not None:
                    text = log.whole() if whole or step is None else log.step(step)
            except (LogError, OSError) as error:
                trouble = str(error)
            self.app.call_later(self._opened, pane, wanted, log, text, trouble, follow)

        threading.Thread(target=body, daemon=True, name="log").start()

    def _opened(
        self,
        pane: Pane,
        wanted: tuple[object, ...],
        log: RunLog | None,
        text: LogText | None,
        trouble: str,
        follow: bool,
    ) -> None:
        if pane.shown != wanted or not pane.is_mounted:
            if log is not None:
                log.close()
            return
        old = pane.log_file
        pane.log_file = log
        pane.seen = text.lines if text is not None else 0
        pane.view.show(
            text,
            gutter=self._gutter if self.whole else None,
            gutter_width=self._gutter_width,
            empty=(self.no_lines(pane, log is not None, trouble),),
            follow=follow,
        )
        if old is not None:
            old.close()
        if self._words and not follow:
            pane.view.find(self._words)
        self.logs_changed()

    def grow(self) -> None:
        """Look whether the logs of runs under way have grown."""
        if not self.session.running or self.app.screen is not self or self._diffing:
            return
        for pane in self.panes:
            if self.session.run(pane.pick) is None and pane.view.search is None:
                self._open(pane, follow=True)

    def text_of(self, pane: Pane) -> LogText | None:
        """What a pane shows, for a reader of its own; None while it is not open."""
        if pane.log_file is None:
            return None
        if self.whole or self.step is None:
            return pane.log_file.whole()
        return pane.log_file.step(self.step)

    def no_lines(self, pane: Pane, kept: bool = True, trouble: str = "") -> Line:
        """Why a pane shows no lines."""
        step = None if self.whole else step_of(self.session.run(pane.pick), self.step)
        if trouble:
            return line(("✗ ", "bad"), trouble)
        if not kept:
            return (("No log was kept of this run.", "muted"),)
        if step is not None and step.status == "hit":
            return line(("✓ HIT", "good"), (": from the cache, nothing ran", "muted"))
        return (("Nothing was printed.", "muted"),)

    def _gutter(self, step: StepId | None) -> Span:
        """Whose a line is, where steps interleave: stage and Dockerfile line."""
        if step is None:
            return ("", "muted")
        name, number = self._names().get(step, (f"stage {step.stage_index}", None))
        tone = _STAGE_TONES[step.stage_index % len(_STAGE_TONES)]
        where = f" {number}" if number is not None else ""
        return (cut(name, self._gutter_width - len(where)) + where, tone)

    @property
    def _gutter_width(self) -> int:
        return 16 if self.size.width // max(1, min(2, len(self._picks))) >= 60 else 10

    def _names(self) -> dict[StepId, tuple[str, int]]:
        return {
            step.id: (step.stage or f"stage {step.stage_index}", step.line)
            for pick in self._picks
            if (run := self.session.run(pick)) is not None
            for step in run.steps
        }

    # Together

    @on(LogView.Scrolled)
    def _scrolled(self, event: LogView.Scrolled) -> None:
        """The other panes go where the one one is in went."""
        here = self.pane
        if here is None or event.view is not here.view:
            return
        for pane in self.panes:
            if pane is not here:
                pane.view.scroll_with(event.line, event.left)
