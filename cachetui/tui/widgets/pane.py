"""A pane of the Step place: a run's log, with a line above it that says whose it is."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Vertical
from textual.widget import Widget

from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report import units
from cachetui.store.run_log import RunLog
from cachetui.tui import signs
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, Span, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.logview import LogView


class Pane(Vertical):
    """A run's log with a line above it that says whose it is."""

    def __init__(self, pick: Pick) -> None:
        super().__init__()
        self.pick = pick
        self.head = Plate(classes="head")
        self.view = LogView()
        self.log_file: RunLog | None = None
        self.shown: tuple[object, ...] = ()
        self.seen = 0

    def compose(self) -> Iterator[Widget]:
        yield self.head
        yield self.view

    def close(self) -> None:
        """Let go of the file."""
        if self.log_file is not None:
            self.log_file.close()
            self.log_file = None

    def on_unmount(self) -> None:
        self.close()


def step_of(run: Run | None, step: StepId | None) -> Step | None:
    if run is None or step is None:
        return None
    return next((one for one in run.steps if one.id == step), None)


def pane_head(run: Run | None, step_id: StepId | None, name: str, number: int, of: int) -> Line:
    """Whose log a pane shows, and how the step went there."""
    words: list[str | Span] = [(name, "strong")]
    if number == 0 and of > 1:
        words.append((" baseline", "muted"))
    step = step_of(run, step_id)
    if run is None:
        words.append(("  ▸ building", "accent"))
    elif step is not None:
        words += ["  ", *signs.step_status(step)]
        if step.seconds is not None:
            words.append(f" {units.seconds(step.seconds)}")
    elif step_id is None:
        words.append(
            (f"  {units.percent(run.hit_ratio)} hit, {units.seconds(run.seconds)}", "muted")
        )
    else:
        words.append(("  no such step", "muted"))
    return line(*words)
