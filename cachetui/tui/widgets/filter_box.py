"""The line in which the user types a filter."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Container
from textual.message import Message
from textual.widget import Widget


class FilterBox(Container):
    """A text input. Textual's is imported when this is mounted, for it takes a while to load."""

    DEFAULT_CSS = """
    FilterBox { height: 1; background: $panel; }
    """

    class Changed(Message):
        """The user changed the words."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Submitted(Message):
        """The user pressed enter."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(
        self, placeholder: str = "filter: name, @tag, state, engine", *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._placeholder = placeholder

    def compose(self) -> Iterator[Widget]:
        from textual.widgets import Input

        yield Input(placeholder=self._placeholder)

    def focus_input(self) -> None:
        """Give the input the focus."""
        self.query_one("Input").focus()

    def clear(self) -> None:
        """Remove the words."""
        from textual.widgets import Input

        self.query_one(Input).value = ""

    def on_input_changed(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))  # type: ignore[attr-defined]

    def on_input_submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Submitted(event.value))  # type: ignore[attr-defined]
