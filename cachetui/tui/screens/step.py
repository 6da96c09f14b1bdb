"""Step: the logs of one step in the chosen runs, side by side; or whole logs as printed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from cachetui.compare.align import align
from cachetui.logs import LogError, LogText, RunLog
from cachetui.record import StepId
from cachetui.tui import keys
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, Tone, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.diffview import DiffView
from cachetui.tui.widgets.logview import LogView
from cachetui.tui.widgets.pane import Pane, pane_head, step_of

MOST_PANES = 4
_STAGE_TONES: tuple[Tone, ...] = ("accent", "good", "warn", "title", "")


class StepPlace(Place):
    """One pane a run; `v` turns from the step to everything as it was printed."""

    PLACE = "step"
    BINDINGS: ClassVar = keys.STEP
    CSS_PATH = "step.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._picks: tuple[Pick, ...] = ()
        self._focus: int = 0
        self._words = ""
        self._diffing = False

    def body(self) -> Iterator[Widget]:
        yield Plate(id="what")
        yield Horizontal(id="panes")
        yield DiffView(id="diff")
        yield Plate(id="hint")
        yield Input(placeholder="search, then n and N", id="search")

    def on_mount(self) -> None:
        self.query_one("#search").display = False
        self.query_one(DiffView).display = False
        self.set_interval(1.0, self._grow)

    # From the session

    @property
    def step(self) -> StepId | None:
        """The step looked at; None means what belongs to no step."""
        return self.session.step

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._focus_pane()

    def update_place(self) -> None:
        picks = self.session.picks
        if self.session.baseline in picks:
            first = self.session.baseline
            assert first is not None
            picks = (first, *(p for p in picks if p != first))
        picks = picks[:MOST_PANES]
        if picks != self._picks:
            self._picks = picks
            self._focus = min(self._focus, max(0, len(picks) - 1))
            self.run_worker(self._set_panes(picks), exclusive=True, group="panes")
        else:
            self._fill()
        self._show_what()

    async def _set_panes(self, picks: tuple[Pick, ...]) -> None:
        holder = self.query_one("#panes", Horizontal)
        await holder.remove_children()
        await holder.mount(*(Pane(pick) for pick in picks))
        self._fill()
        self._focus_pane()

    @property
    def panes(self) -> list[Pane]:
        return list(self.query(Pane))

    def _fill(self) -> None:
        """Open what each pane should show and does not yet."""
        self.set_class(len(self.panes) > 1 and self.size.width < 70, "-one")
        titles = self.session.titles(self._picks)
        looked_at = None if self.session.as_printed else self.step
        for number, pane in enumerate(self.panes):
            run = self.session.run(pane.pick)
            wanted = (self.step, self.session.as_printed, run.id if run else None)
            pane.query_one(".head", Plate).show(
                pane_head(run, looked_at, titles[number], number, len(titles))
            )
            if pane.shown != wanted:
                pane.shown = wanted
                self._open(pane)
        self._show_diff()

    def _open(self, pane: Pane, *, follow: bool = False) -> None:
        """Open a pane's log in a thread: its index may be long."""
        step, printed, pick = self.step, self.session.as_printed, pane.pick
        wanted = pane.shown

        def body() -> None:
            log: RunLog | None = None
            text: LogText | None = None
            trouble = ""
            try:
                log = self.session.open_log(pick)
                if log is not None:
                    text = log.whole() if printed or step is None else log.step(step)
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
        whole = self.session.as_printed or self.step is None
        pane.view.show(
            text,
            gutter=self._gutter if whole else None,
            gutter_width=14 if self.size.width // max(1, len(self._picks)) >= 60 else 8,
            empty=self._no_lines(pane, log is not None, trouble),
            follow=follow,
        )
        if old is not None:
            old.close()
        if self._words and not follow:
            pane.view.find(self._words)
        self.query_one(DiffView).forget()
        self._show_diff()

    def _grow(self) -> None:
        """Look whether the logs of runs under way have grown."""
        if not self.session.running or self.app.screen is not self or self._diffing:
            return
        for pane in self.panes:
            if self.session.run(pane.pick) is None and pane.view.search is None:
                self._open(pane, follow=True)

    def _no_lines(self, pane: Pane, kept: bool, trouble: str) -> tuple[Line, ...]:
        run = self.session.run(pane.pick)
        step = step_of(run, self.step)
        if trouble:
            return (line(("✗ ", "bad"), trouble),)
        if not kept:
            return ((("No log was kept of this run.", "muted"),),)
        if step is not None and step.status == "hit":
            return (line(("✓ HIT", "good"), (": from the cache, so it printed nothing.", "muted")),)
        return ((("This step printed nothing.", "muted"),),)

    def _gutter(self, step: StepId | None) -> Span:
        """Whose a line is, where steps interleave: stage and Dockerfile line."""
        if step is None:
            return ("", "muted")
        name, number = self._names().get(step, (f"stage {step.stage_index}", None))
        tone = _STAGE_TONES[step.stage_index % len(_STAGE_TONES)]
        where = f" {number}" if number is not None else ""
        return (f"{name}{where}", tone)

    def _names(self) -> dict[StepId, tuple[str, int]]:
        return {
            step.id: (step.stage or f"stage {step.stage_index}", step.line)
            for pick in self._picks
            if (run := self.session.run(pick)) is not None
            for step in run.steps
        }

    def _show_what(self) -> None:
        plate = self.query_one("#what", Plate)
        hint = self.query_one("#hint", Plate)
        if not self._picks:
            plate.show(
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
            hint.show()
            return
        if self.session.as_printed or self.step is None:
            plate.show(
                line(
                    ("Whole log as printed", "strong"),
                    (" · the gutter names stage and Dockerfile line", "muted"),
                )
            )
            hint.show(
                line(
                    (
                        "Interleaved lines are steps at work at the same time, not disorder; ",
                        "muted",
                    ),
                    ("v", "key"),
                    (" takes them apart, ", "muted"),
                    ("4", "key"),
                    (" shows when.", "muted"),
                ),
            )
            return
        step = next(
            (s for p in self._picks if (s := step_of(self.session.run(p), self.step))), None
        )
        instruction = step.instruction if step else str(self.step)
        number = f"line {step.line} " if step else ""
        stage = f"{step.stage} · " if step and step.stage else ""
        plate.show(line((stage, "title"), (number, "muted"), (instruction, "strong")))
        said = self.query_one(DiffView).said if self._diffing else ()
        hint.show(*((said,) if said else ()))

    # The diff

    def action_diff(self) -> None:
        """Turn from the logs to what differs in them, and back."""
        if len(self.panes) < 2:
            self.home.tell("There is one run only: nothing to compare its log with.")
            return
        self._diffing = not self._diffing
        self._show_diff()
        self._show_what()
        self._focus_pane()

    def _show_diff(self) -> None:
        """Compare the baseline's log with that of the pane one is in."""
        on = self._diffing and len(self.panes) > 1
        view = self.query_one(DiffView)
        view.display = on
        self.query_one("#panes").display = not on
        if not on:
            return
        number = max(1, self._focus)
        first, second = self.panes[0], self.panes[number]
        texts = (self._text(first), self._text(second))
        if texts[0] is None or texts[1] is None:
            return
        titles = self.session.titles(self._picks)
        runs = [self.session.run(pane.pick) for pane in (first, second)]
        view.heads = (
            pane_head(runs[0], self.step, titles[0], 0, 2),
            pane_head(runs[1], self.step, titles[number], 1, 2),
        )
        notes = [self._no_lines(pane, True, "")[0] for pane in (first, second)]
        view.notes = (notes[0], notes[1])
        view.compare(
            (first.shown, second.shown, first.pick, second.pick),
            (texts[0], texts[1]),
            f"{titles[0]} ↔ {titles[number]}",
        )

    def _text(self, pane: Pane) -> LogText | None:
        """The pane's log, for a reader of its own."""
        if pane.log_file is None:
            return None
        if self.session.as_printed or self.step is None:
            return pane.log_file.whole()
        return pane.log_file.step(self.step)

    @on(DiffView.Compared)
    def _compared(self) -> None:
        self._show_what()

    # Panes and steps

    def _focus_pane(self) -> None:
        panes = self.panes
        if panes:
            for number, pane in enumerate(panes):
                pane.set_class(number == self._focus, "-here")
            shown = self.query_one(DiffView)
            (shown if shown.display else panes[min(self._focus, len(panes) - 1)].view).focus()

    def action_pane(self, by: int) -> None:
        """Go to the next pane."""
        if self.panes:
            self._focus = (self._focus + by) % len(self.panes)
            self._show_diff()
            self._focus_pane()
            self._show_count()

    @property
    def pane(self) -> Pane | None:
        panes = self.panes
        return panes[min(self._focus, len(panes) - 1)] if panes else None

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
        """Turn from one step's lines to everything as it was printed, and back."""
        if self.session.as_printed or self.step is None:
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
            self.home.open_commands(self.pane.pick)

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
        self._words = event.value
        for pane in self.panes:
            pane.view.find(self._words)
        self.query_one("#search").display = False
        self._focus_pane()

    def action_next(self, by: int) -> None:
        """Go to the next match, or in the diff to the next difference; or the previous."""
        if self._diffing and len(self.panes) > 1:
            self.query_one(DiffView).next_difference(by)
        elif self.pane is not None and self.pane.view.search is not None:
            self.pane.view.next_match(by)

    @on(LogView.Searched)
    def _show_count(self) -> None:
        if not self._words:
            if self._picks:
                self._show_what()
            return
        parts: list[str | Span] = [("/", "key"), (f"{self._words}  ", "strong")]
        for number, pane in enumerate(self.panes):
            tone: Tone = "" if number == self._focus else "muted"
            parts.append((f"{pane.view.count()}   ", tone))
        self.query_one("#hint", Plate).show(line(*parts))

    def action_go_back(self) -> None:
        """Leave the search, else the place."""
        box = self.query_one("#search", Input)
        if box.display or self._words:
            box.value = self._words = ""
            box.display = False
            for pane in self.panes:
                pane.view.end_search()
            self._focus_pane()
            self._show_what()
        else:
            self.home.action_go_back()

    def copy_text(self) -> str | None:
        pane = self.pane
        if pane is None:
            return None
        view = pane.view
        if view.here is not None:
            return view.line_text(view.here)
        top = view.scroll_offset.y
        bottom = min(view.lines, top + view.size.height)
        return "\n".join(view.line_text(number) for number in range(top, bottom))
