"""Proving a finding: what the experiment will run, the question, its progress and its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from cachetui.prove import NoExperiment, ValueNeeded
from cachetui.tui.app_port import AppPort, app_of
from cachetui.tui.background import call_soon
from cachetui.tui.screens.commands import wrapped
from cachetui.tui.screens.dialogs import Dialog, Notice
from cachetui.tui.view.text import Line, Tone, clean_line, cut, label, line
from cachetui.tui.widgets.text_panel import TextPanel
from cachetui.tui.widgets.wrapped_page import WrappedPage

if TYPE_CHECKING:
    from cachetui.findings.record import Finding, Proof
    from cachetui.prove.experiment import Experiment, Progress
    from cachetui.records.document import Document

OUTCOMES = {
    "proved": "● proved",
    "withdrawn": "✗ withdrawn: the experiment did not confirm it",
    "undecided": "? undecided",
}


def prove(app: AppPort, document: Document, finding: Finding, ended: Callable[[], None]) -> None:
    """Prepare an experiment, ask, and run it; `ended` is called when it is over."""
    app.push_screen(ProveDialog(document, finding), lambda ran: ended() if ran else None)


class ProveDialog(Dialog[bool]):
    """Shows everything that will run, and asks whether to run it; nothing runs unasked.

    Its result is whether anything ran.
    """

    CSS_PATH = "findings.tcss"
    BINDINGS: ClassVar = [
        Binding("y", "start", "Run it", show=False),
        Binding("n", "close", "Cancel", show=False),
    ]

    def __init__(self, document: Document, finding: Finding) -> None:
        super().__init__()
        self._document, self._finding = document, finding
        self._values: list[tuple[str, str]] = []
        self._cancel = threading.Event()
        self._experiment: Experiment | None = None
        self._state: Literal["preparing", "asking", "running"] = "preparing"

    def heading(self) -> str:
        return f"Prove {self._finding.name}"

    def body(self) -> Iterator[Widget]:
        yield TextPanel(id="status")
        yield WrappedPage(id="commands")
        with Horizontal(classes="buttons"):
            yield Button(label("Run this (y)"), id="yes", variant="error", disabled=True)
            yield Button(label("Cancel (n)"), id="no", variant="primary")

    def on_mount(self) -> None:
        self.query_one(WrappedPage).styles.height = max(3, min(24, self.app.size.height - 12))
        self.query_one("#no").focus()
        self._prepare()

    def on_unmount(self) -> None:
        """Whatever closes the dialog stops what it runs."""
        self._cancel.set()

    # Preparing: what it will run

    def _prepare(self) -> None:
        self._show_status(line("Asking the host what is there…"))
        app, build = app_of(self), app_of(self).session.build

        def work() -> None:
            experiment = app.core.experiment(
                self._document,
                self._finding.name,
                contexts=(build,) if build is not None else (),
                given=tuple(self._values),
                cancel=self._cancel,
            )
            self._experiment = experiment
            call_soon(app, self._prepared, experiment.prepare())

        self._run_thread(work)

    def _run_thread(self, work: Callable[[], None]) -> None:
        """Do this in a thread, which closes the experiment when it fails or is cancelled."""
        app = app_of(self)

        def body() -> None:
            try:
                work()
            except Exception as error:
                self._close_experiment()
                call_soon(app, self._failed, error)
            else:
                if self._cancel.is_set():
                    self._close_experiment()

        threading.Thread(target=body, daemon=True, name="prove").start()

    def _close_experiment(self) -> None:
        experiment, self._experiment = self._experiment, None
        if experiment is not None:
            experiment.close()

    # What the thread reports; nothing of it counts once the dialog was closed

    def _prepared(self, commands: Sequence[str]) -> None:
        if self._cancel.is_set():
            return
        self._state = "asking"
        lines = tuple(part for command in commands for part in command.split("\n"))
        self.query_one(WrappedPage).show_source(lines, lambda width: _wrapped(lines, width))
        self._show_status(line("Run it? It leaves the host as it was."))
        self.query_one("#yes", Button).disabled = False

    def _progressed(self, progress: Progress) -> None:
        if not self._cancel.is_set():
            self._show_status(
                line((f"▸ {progress.number}/{progress.of} ", "accent"), (progress.build, "strong")),
                line((cut(progress.doing, 200), "muted")),
            )

    def _ended(self, proof: Proof, trouble: Exception | None) -> None:
        if self._cancel.is_set():
            return
        self.dismiss(True)
        facts = "\n".join(f"· {item.text}" for item in proof.evidence)
        if trouble is not None:
            facts += f"\n✗ {trouble}"
        heading = f"{OUTCOMES[proof.outcome]}: {self._finding.name}, on {proof.host}"
        app_of(self).push_screen(Notice(heading, facts))

    def _failed(self, error: Exception) -> None:
        if self._cancel.is_set():
            return
        app = app_of(self)
        if isinstance(error, ValueNeeded):
            app.push_screen(AskValue(error.name, str(error)), self._value_given)
            return
        title = "No experiment" if isinstance(error, NoExperiment) else "The experiment failed"
        remedy = getattr(error, "remedy", "")
        self.dismiss(self._state == "running")
        app.push_screen(Notice(title, f"{error}\n{remedy}" if remedy else str(error)))

    def _value_given(self, value: str | None) -> None:
        if value is None:
            self.dismiss(False)
            return
        name, _, text = value.partition("=")
        self._values.append((name, text))
        self._prepare()

    def _show_status(self, *lines: Line) -> None:
        self.query_one("#status", TextPanel).show(*lines)

    # Answers

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_start()
        else:
            self.action_close()

    def action_start(self) -> None:
        """Run the experiment."""
        experiment = self._experiment
        if self._state != "asking" or experiment is None:
            return
        self._state = "running"
        self.query_one("#yes", Button).disabled = True
        self.query_one("#no", Button).label = label("Stop (n)")
        self.query_one("#no").focus()

        app = app_of(self)

        def report(progress: Progress) -> None:
            call_soon(app, self._progressed, progress)

        def work() -> None:
            proof = experiment.run(report)
            self._close_experiment()
            call_soon(app, self._ended, proof, experiment.trouble)

        self._run_thread(work)

    def action_close(self) -> None:
        """Stop the experiment, and close the dialog."""
        self._cancel.set()
        if self._state != "running":
            threading.Thread(target=self._close_experiment, daemon=True).start()
        self.dismiss(self._state == "running")


class AskValue(Dialog[str]):
    """The value of a build argument, as NAME=VALUE. It is held in memory only."""

    HEADING = "A value is needed"

    def __init__(self, name: str, why: str) -> None:
        super().__init__()
        self._name, self._why = name, why

    def body(self) -> Iterator[Widget]:
        yield Static(label(self._why), markup=False)
        yield Input(password=True, id="value", placeholder=f"the value of {self._name}")
        yield Static(label("enter submits it · esc goes back"), markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        self.dismiss(f"{self._name}={event.value}")


def _wrapped(commands: Sequence[str], width: int) -> list[Line]:
    """Whole commands; what does not fit into a line continues in the next."""
    lines: list[Line] = []
    for text in commands:
        tone: Tone = "muted" if text.startswith("#") else ""
        parts = wrapped(clean_line(text), max(10, width - 2))
        lines += [((part if n == 0 else f"  {part}", tone),) for n, part in enumerate(parts)]
    return lines
