"""Dialogs: questions over a place until the user answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from cachetui.tui.view import keys
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, label, line
from cachetui.tui.widgets.filter_box import FilterBox
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.text_panel import TextPanel

_T = TypeVar("_T")

MANY = 12
"""Rows to choose from, above which a line filters them."""
_WIDTH = 68
"""Of the rows in a box."""


class Dialog(ModalScreen[_T]):
    """A box with a heading. `escape` closes it without an answer."""

    BINDINGS: ClassVar = keys.DIALOG
    HEADING = ""

    def compose(self) -> Iterator[Widget]:
        box = Vertical(classes="box")
        box.border_title = label(self.heading())
        with box:
            yield from self.body()

    def heading(self) -> str:
        """The title of the box."""
        return self.HEADING

    def body(self) -> Iterator[Widget]:
        """The widgets in the box."""
        yield from ()

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def paragraphs(text: str) -> Iterator[Widget]:
    """Text of any origin as wrapped lines; never parsed as markup."""
    for part in text.splitlines() or [""]:
        yield Static(label(part), markup=False)


class Notice(Dialog[None]):
    """Something to read."""

    BINDINGS: ClassVar = [Binding("enter", "close", "Close", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def heading(self) -> str:
        return self._title

    def body(self) -> Iterator[Widget]:
        yield from paragraphs(self._text)
        with Horizontal(classes="buttons"):
            yield Button("Close", id="close", variant="primary")

    def on_button_pressed(self) -> None:
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """A question with two answers; the safe one has the focus."""

    BINDINGS: ClassVar = [
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("n", "answer(False)", "No", show=False),
        Binding("left,right,h,l", "other", "The other button", show=False),
    ]

    def __init__(
        self, title: str, text: str, yes: str, no: str = "Cancel", *, keys: bool = True
    ) -> None:
        super().__init__()
        self._title, self._text = title, text
        self._yes, self._no = (f"{yes} (y)" if keys else yes), f"{no} (n)"

    def heading(self) -> str:
        return self._title

    def body(self) -> Iterator[Widget]:
        yield from paragraphs(self._text)
        with Horizontal(classes="buttons"):
            yield Button(label(self._yes), id="yes", variant="error")
            yield Button(label(self._no), id="no", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def action_other(self) -> None:
        """Go to the other button."""
        self.focus_next()

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class Leave(Confirm):
    """Asks whether to leave, and says what that does to an audit that runs; `q` or Ctrl-C again
    means yes."""

    BINDINGS: ClassVar = [Binding("q", "answer(True)", "Leave", show=False)]

    def __init__(self, *, running: bool) -> None:
        if running:
            super().__init__(
                "Leave while the audit runs?",
                "The builds on the hosts will be stopped. Runs that have ended are stored; History"
                " opens them again.",
                "Stop and leave",
                "Stay",
            )
        else:
            super().__init__("Leave cachetui?", "Nothing is running.", "Leave", "Stay")


class Passphrase(Dialog[str]):
    """Asks for the passphrase of a key file, which is held in memory only."""

    HEADING = "Encrypted key"

    def __init__(self, path: str, *, again: bool = False) -> None:
        super().__init__()
        self._path, self._again = path, again

    def body(self) -> Iterator[Widget]:
        if self._again:
            yield Static(label("✗ That passphrase does not unlock the key."), markup=False)
        yield Static(label(f"Passphrase for {self._path}"), markup=False)
        yield Input(password=True, id="secret")
        yield Static(label("enter submits it · esc goes on without this key"), markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _given(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class HostKey(Confirm):
    """Asks whether to trust an unknown host key. The default is no, and no single key press accepts
    it: that could have been meant for the place below."""

    BINDINGS: ClassVar = [Binding("y", "nothing", "", show=False)]

    def __init__(self, host: str, key_type: str, fingerprint: str) -> None:
        super().__init__(
            "Unknown host key",
            f"{host} has a host key that is not in known_hosts:\n{key_type} {fingerprint}\n"
            "Compare it with what the host itself prints:\n"
            "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub",
            "Trust it",
            "Refuse",
            keys=False,
        )

    def action_nothing(self) -> None:
        """Say how to trust it."""
        self.notify("To trust it, go to its button with ← and press enter.", markup=False)


class Choose(Dialog[int]):
    """Asks for one of several rows, each (text, more about it); its result is the row's number.
    Where they do not fit the box, or are many, a line filters them by their words."""

    def __init__(
        self, title: str, rows: Sequence[tuple[str | Line, str]], *, at: int = 0, hint: str = ""
    ) -> None:
        super().__init__()
        self._title, self._choices, self._at, self._hint = title, rows, at, hint
        self._filtered = len(rows) > MANY

    def heading(self) -> str:
        return self._title

    def body(self) -> Iterator[Widget]:
        if self._filtered:
            yield FilterBox("type to filter; ↓ to the rows")
        yield Grid(cell=self._cell, fixed=2, id="choices")
        if self._hint or self._filtered:
            yield TextPanel(line((self._hint, "muted")), id="hint")

    def on_mount(self) -> None:
        grid = self.query_one(Grid)
        longest = max((len(_text(row[0])) for row in self._choices), default=10)
        more = max((len(row[1]) for row in self._choices), default=0)
        first = min(longest + 1, 34 if more else 66)
        columns = [Column("what", (), first, 2)]
        if more:
            columns.append(Column("more", (), min(more, _WIDTH - first - 3), 1))
        above = 7 if self._filtered else 5
        grid.styles.height = max(2, min(len(self._choices), 18, self.app.size.height - above))
        grid.show(list(range(len(self._choices))), tuple(columns))
        grid.move_to(self._at)
        if self._filtered:
            self.call_after_refresh(self.query_one(FilterBox).focus_input)
            self._tell(len(self._choices))
        else:
            grid.focus()

    def _cell(self, row: Any, column: Any, width: int) -> Line:
        del width
        what, more = self._choices[row]
        if column == "what":
            return ((what, ""),) if isinstance(what, str) else what
        return ((more, "muted"),)

    def _tell(self, shown: int) -> None:
        """Say how many rows the filter leaves."""
        many = len(self._choices)
        text = f"{many} in all" if shown == many else f"{shown} of {many}"
        text = f"{self._hint}; {text}" if self._hint else text
        self.query_one("#hint", TextPanel).show(line((text, "muted")))

    @on(FilterBox.Changed)
    def _filter_changed(self, event: FilterBox.Changed) -> None:
        words = event.words.lower().split()
        shown = [
            number
            for number, (what, more) in enumerate(self._choices)
            if all(word in f"{_text(what)} {more}".lower() for word in words)
        ]
        self.query_one(Grid).show(shown)
        self._tell(len(shown))

    @on(FilterBox.Submitted)
    def _filter_submitted(self) -> None:
        """Take the row under the cursor, which is the first unless it was moved."""
        at = self.query_one(Grid).cursor
        if at is not None:
            row: Any = at[0]
            self.dismiss(row)

    def on_key(self, event: Key) -> None:
        """From the filter to the rows."""
        if self._filtered and event.key == "down" and self.query_one(FilterBox).has_focus_within:
            event.stop()
            self.query_one(Grid).focus()

    @on(Grid.Opened)
    def _chosen(self, event: Grid.Opened) -> None:
        row: Any = event.row
        self.dismiss(row)


def _text(what: str | Line) -> str:
    return what if isinstance(what, str) else "".join(text for text, _ in what)
