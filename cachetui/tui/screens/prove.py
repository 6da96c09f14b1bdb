"""An experiment from the app: what it will run, the question, its progress and its outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from cachetui.prove import NoExperiment, ValueNeeded
from cachetui.tui.screens.dialogs import Dialog, Notice
from cachetui.tui.text import Line, Tone, clean_line, cut, label, line
from cachetui.tui.widgets.canvas import Plate
from cachetui.tui.widgets.wrapped import Wrapped

if TYPE_CHECKING:
    from cachetui.findings.record import Finding, Proof
    from cachetui.prove.experiment import Experiment, Progress
    from cachetui.records.document import Document
    from cachetui.tui.app import CachetuiApp

OUTCOMES = {
    "proved": "✓ proved",
    "withdrawn": "✗ withdrawn: it is not so",
    "undecided": "? undecided",
}


def prove(
    app: CachetuiApp, document: Document, finding: Finding, ended: Callable[[], None]
) -> None:
    """Prepare an experiment, ask, and run it; `ended` is called when it is over."""
    app.push_screen(ProveDialog(app, document, finding), lambda run: ended() if run else None)


class ProveDialog(Dialog[bool]):
    """Everything that will run, then the question whether to; nothing runs by itself.

    It ends with whether anything ran.
    """

    CSS_PATH = "findings.tcss"
    BINDINGS: ClassVar = [
        Binding("y", "start", "Run it", show=False),
        Binding("n", "close", "Cancel", show=False),
    ]

    class Told(Message, bubble=False):
        """What the experiment's thread has to tell."""

        def __init__(
            self,
            *,
            commands: Sequence[str] | None = None,
            progress: Progress | None = None,
            proof: Proof | None = None,
            error: Exception | None = None,
        ) -> None:
            super().__init__()
            self.commands, self.progress = commands, progress
            self.proof, self.error = proof, error

    def __init__(self, app: CachetuiApp, document: Document, finding: Finding) -> None:
        super().__init__()
        self._home, self._document, self._finding = app, document, finding
        self._given: list[tuple[str, str]] = []
        self._cancel = threading.Event()
        self._experiment: Experiment | None = None
        self._state = "preparing"

    def heading(self) -> str:
        return f"Prove {self._finding.name}"

    def body(self) -> Iterator[Widget]:
        yield Plate(id="stands")
        yield Wrapped(id="commands")
        with Horizontal(classes="buttons"):
            yield Button(label("Run this (y)"), id="yes", variant="error", disabled=True)
            yield Button(label("Cancel (n)"), id="no", variant="primary")

    def on_mount(self) -> None:
        self.query_one(Wrapped).styles.height = max(3, min(24, self.app.size.height - 12))
        self.query_one("#no").focus()
        self._prepare()

    def on_unmount(self) -> None:
        """Whatever ends the dialog ends what it runs."""
        self._cancel.set()

    # Before

    def _prepare(self) -> None:
        self._say(line("Asking the host what is there…"))
        self._thread(self._prepared)

    def _prepared(self) -> None:
        """In a thread."""
        build = self._home.session.build
        experiment = self._home.core.experiment(
            self._document,
            self._finding.name,
            contexts=(build,) if build is not None else (),
            given=tuple(self._given),
            cancel=self._cancel,
        )
        self._experiment = experiment
        self.post_message(self.Told(commands=experiment.prepare()))

    def _thread(self, work: Callable[[], None]) -> None:
        def body() -> None:
            try:
                work()
            except Exception as error:
                self._drop()
                self.post_message(self.Told(error=error))
            else:
                if self._cancel.is_set():
                    self._drop()

        threading.Thread(target=body, daemon=True, name="prove").start()

    def _drop(self) -> None:
        experiment, self._experiment = self._experiment, None
        if experiment is not None:
            experiment.close()

    # What comes of it

    def on_prove_dialog_told(self, event: Told) -> None:
        if event.commands is not None:
            self._state = "asking"
            commands = tuple(one for text in event.commands for one in text.split("\n"))
            self.query_one(Wrapped).tell(commands, lambda width: _broken(commands, width))
            self._say(line("Run it? It leaves the host as it was."))
            self.query_one("#yes", Button).disabled = False
        elif event.progress is not None:
            one = event.progress
            self._say(line((f"▸ {one.number}/{one.of} ", "accent"), (one.build, "strong")),
                      line((cut(one.doing, 200), "muted")))  # fmt: skip
        elif event.proof is not None:
            self._ended(event.proof)
        elif event.error is not None:
            self._failed(event.error)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ValueNeeded):
            self._home.push_screen(AskValue(error.name, str(error)), self._value_given)
            return
        if self._cancel.is_set():
            return
        ran = self._state == "running"
        title = "No experiment" if isinstance(error, NoExperiment) else "The experiment failed"
        remedy = getattr(error, "remedy", "")
        self.dismiss(ran)
        self._home.push_screen(Notice(title, f"{error}\n{remedy}" if remedy else str(error)))

    def _value_given(self, value: str | None) -> None:
        if value is None:
            self.dismiss(False)
            return
        name, _, text = value.partition("=")
        self._given.append((name, text))
        self._prepare()

    def _ended(self, proof: Proof) -> None:
        self.dismiss(True)
        facts = "\n".join(f"· {one.text}" for one in proof.evidence)
        heading = f"{OUTCOMES[proof.outcome]}: {self._finding.name}, on {proof.host}"
        self._home.push_screen(Notice(heading, facts))

    def _say(self, *lines: Line) -> None:
        self.query_one("#stands", Plate).show(*lines)

    # Answers

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self.action_start()
        else:
            self.action_close()

    def action_start(self) -> None:
        """Run it."""
        experiment = self._experiment
        if self._state != "asking" or experiment is None:
            return
        self._state = "running"
        self.query_one("#yes", Button).disabled = True
        self.query_one("#no", Button).label = label("Stop (n)")
        self.query_one("#no").focus()

        def tell(progress: Progress) -> None:
            self.post_message(self.Told(progress=progress))

        def work() -> None:
            proof = experiment.run(tell)
            self._drop()
            self.post_message(self.Told(proof=proof))

        self._thread(work)

    def action_close(self) -> None:
        """Stop what runs, and close."""
        self._cancel.set()
        if self._state != "running":
            threading.Thread(target=self._drop, daemon=True).start()
        self.dismiss(self._state == "running")


class AskValue(Dialog[str]):
    """The value of a build argument, as NAME=VALUE. It is kept in memory only."""

    HEADING = "A value is needed"

    def __init__(self, name: str, why: str) -> None:
        super().__init__()
        self._name, self._why = name, why

    def body(self) -> Iterator[Widget]:
        yield Static(label(self._why), markup=False)
        yield Input(password=True, id="value", placeholder=f"the value of {self._name}")
        yield Static(label("enter gives it · esc goes back"), markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        self.dismiss(f"{self._name}={event.value}")


def _broken(commands: Sequence[str], width: int) -> list[Line]:
    """Each command whole; what does not fit in a line goes on in the next."""
    lines: list[Line] = []
    for text in commands:
        tone: Tone = "muted" if text.startswith("#") else ""
        step = max(10, width - 2)
        shown = clean_line(text)
        parts = [shown[at : at + step] for at in range(0, len(shown), step)] or [""]
        lines += [((part if n == 0 else f"  {part}", tone),) for n, part in enumerate(parts)]
    return lines
