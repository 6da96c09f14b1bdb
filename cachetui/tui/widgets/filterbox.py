"""The line in which a filter or a search is typed."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Container
from textual.message import Message
from textual.widget import Widget


class FilterBox(Container):
    """An input that imports Textual's when it is mounted, for it takes a while to load."""

    DEFAULT_CSS = """
    FilterBox { height: 1; background: $panel; }
    """

    class Changed(Message):
        """Other words stand in it."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Kept(Message):
        """Enter was pressed."""

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
        """Take the keys."""
        self.query_one("Input").focus()

    def clear(self) -> None:
        """Empty it."""
        from textual.widgets import Input

        self.query_one(Input).value = ""

    def on_input_changed(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))  # type: ignore[attr-defined]

    def on_input_submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Kept(event.value))  # type: ignore[attr-defined]
