"""The frame of every place: title, row of places, progress, and the keys in the foot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from cachetui.report import units
from cachetui.tui.view import keys, signs
from cachetui.tui.view.charts import bar
from cachetui.tui.view.place_names import labels
from cachetui.tui.view.text import Line, Span, fit, line, width_of
from cachetui.tui.widgets.canvas import LineWidget

if TYPE_CHECKING:
    from cachetui.audit.progress import Snapshot


class TitleBar(LineWidget):
    """One line: what is shown on the left, its state on the right."""

    DEFAULT_CSS = """
    TitleBar { height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    left: Line = ()
    right: Line = ()

    def show(self, left: Line, right: Line) -> None:
        """Show this text instead. When there is no room, the left side is cut first."""
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return self.paint((), width)
        tail = fit(self.right, min(width_of(self.right), width * 4 // 5))
        room = width - width_of(tail) - 1
        return self.paint(line(*fit(self.left, max(0, room)), " ", *tail), width)


class PlaceTabs(LineWidget):
    """The places, numbered by their keys."""

    DEFAULT_CSS = """
    PlaceTabs { height: 1; padding: 0 1; background: $surface; }
    """

    class Chosen(Message):
        """The user clicked a place: its number, from 0."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, names: Sequence[str], here: int) -> None:
        super().__init__()
        self._names = names
        self._here = here

    def _labels(self) -> list[str]:
        return labels(self._names, self._here, self.size.width)

    def render_line(self, y: int) -> Strip:
        spans: list[Span] = [
            (text, "tab" if n == self._here else "muted") for n, text in enumerate(self._labels())
        ]
        return self.paint(tuple(spans) if y == 0 else (), self.size.width)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        left = 0
        for number, text in enumerate(self._labels()):
            if at is not None and left <= at.x < left + len(text):
                self.post_message(self.Chosen(number))
                return
            left += len(text)


class Progress(LineWidget):
    """The progress of an audit: a bar, counts, elapsed and remaining time. Else hidden."""

    DEFAULT_CSS = """
    Progress { height: 1; padding: 0 1; display: none; }
    """

    snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot | None) -> None:
        """Show the progress of this audit; None or a finished one hides the bar."""
        self.snapshot = snapshot
        self.display = snapshot is not None and not snapshot.finished
        if self.display:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        snapshot = self.snapshot
        if snapshot is None or y:
            return self.paint((), width)
        total = snapshot.total
        trouble = signs.trouble(snapshot)
        words: list[str | Span] = [f" {snapshot.done} of {units.count(total, 'run')}"]
        if trouble:
            words.append((f" · ✗ {trouble}", "bad"))
        words.append((f" · {signs.clock(snapshot.elapsed)}", "muted"))
        if snapshot.stopping:
            words.append((" · stopping…", "warn"))
        elif snapshot.done == total:
            words.append((" · cleaning up", "muted"))
        elif snapshot.remaining is not None:
            words.append((f" · about {signs.clock(snapshot.remaining)} left", "muted"))
        else:
            words.append((" · time left unknown", "muted"))
        text = line(*words)
        room = max(4, width - width_of(text))
        filled = bar(snapshot.done / total if total else 0.0, room)
        rest = len(filled) - len(filled.rstrip())
        shown = line((filled.rstrip(), "accent"), ("░" * rest, "muted"))
        return self.paint(line(*shown, *text), width)


class KeyBar(LineWidget):
    """The main keys of the current place, from its bindings, as many as fit."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; padding: 0 1; }
    """
    MAX_KEYS = 6

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _: Screen[object]) -> None:
        self.refresh()

    def shown(self) -> list[tuple[str, str, Binding, object]]:
        """(key as shown, description, binding, node) of the keys to show, in order."""
        by_action: dict[str, tuple[str, str, Binding, object]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            nowhere = binding.id == keys.ENTER and not getattr(self.screen, "ENTER", "x")
            if binding.show and active.enabled and binding.action not in by_action and not nowhere:
                key = self.app.get_key_display(binding)
                words = described(binding, self.screen)
                by_action[binding.action] = (key, words, binding, active.node)
        entries = list(by_action.values())
        return [*entries[:-1][: self.MAX_KEYS - 1], *entries[-1:]]

    def labels(self) -> list[tuple[str, str, Binding, object]]:
        """The keys that fit, `?` always among them."""
        entries = self.shown()
        room = self.size.width
        while entries and sum(_entry_width(key, text) for key, text, *_ in entries) > room:
            position = len(entries) - 2 if len(entries) > 1 else 0
            entries.pop(position)
        return entries

    def render_line(self, y: int) -> Strip:
        spans: list[Span] = []
        if y == 0:
            for key, text, *_ in self.labels():
                spans += [(f" {key} ", "key"), (f"{text} ", "")]
        return self.paint(tuple(spans), self.size.width)

    async def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        left = 0
        for key, text, binding, node in self.labels():
            right = left + _entry_width(key, text)
            if at is not None and left <= at.x < right:
                await self.app.run_action(binding.action, node)  # type: ignore[arg-type]
                return
            left = right


def described(binding: Binding, screen: Screen[Any]) -> str:
    """What a binding does here; for `enter` the place says where it leads."""
    if binding.id == keys.ENTER:
        return getattr(screen, "ENTER", "") or binding.description
    return binding.description


def _entry_width(key: str, text: str) -> int:
    return cell_len(key) + cell_len(text) + 3
