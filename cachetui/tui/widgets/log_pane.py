"""A pane of Step: the log of a run, with a line above it that names the run."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Vertical
from textual.widget import Widget

from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report import units
from cachetui.report.pulled import pulled
from cachetui.store.run_log import RunLog
from cachetui.tui.view import signs
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import Line, Span, line
from cachetui.tui.widgets.log_view import LogView
from cachetui.tui.widgets.text_panel import TextPanel


class LogPane(Vertical):
    """The log of a run, with a line above it. `shown` identifies what the log was opened for."""

    def __init__(self, pick: Pick) -> None:
        super().__init__()
        self.pick = pick
        self.head = TextPanel(classes="head")
        self.view = LogView()
        self.log_file: RunLog | None = None
        self.shown: tuple[object, ...] = ()

    def compose(self) -> Iterator[Widget]:
        yield self.head
        yield self.view

    def close(self) -> None:
        """Close the log's file."""
        if self.log_file is not None:
            self.log_file.close()
            self.log_file = None

    def on_unmount(self) -> None:
        self.close()


def step_of(run: Run | None, step: StepId | None) -> Step | None:
    """That step of the run; None when it has no such step."""
    if run is None or step is None:
        return None
    return next((each for each in run.steps if each.id == step), None)


def pane_head(run: Run | None, step_id: StepId | None, name: str, number: int, of: int) -> Line:
    """The name of a pane's run, and how the step went there. `number` is the pane's, from 0."""
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
        if pulled(step):
            words.append(f" · {pulled(step)}")
    elif step_id is None:
        words.append(
            (f"  {units.percent(run.hit_ratio)} hit, {units.seconds(run.seconds)}", "muted")
        )
    else:
        words.append(("  no such step", "muted"))
    return line(*words)
