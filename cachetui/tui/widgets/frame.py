"""The frame of every place: the title, the row of places, the progress and the foot of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from cachetui.tui import keys, signs
from cachetui.tui.names import labels
from cachetui.tui.text import Line, Span, fit, line, width_of
from cachetui.tui.widgets.canvas import Paint

if TYPE_CHECKING:
    from cachetui.audit.progress import Snapshot


class TitleBar(Paint):
    """One line: what is looked at on the left, how it stands on the right."""

    DEFAULT_CSS = """
    TitleBar { height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    left: Line = ()
    right: Line = ()

    def show(self, left: Line, right: Line) -> None:
        """Show other text. The right side gives way last."""
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


class PlaceTabs(Paint):
    """The places one can go to, numbered as the keys that lead there."""

    DEFAULT_CSS = """
    PlaceTabs { height: 1; padding: 0 1; background: $surface; }
    """

    class Chosen(Message):
        """A place was clicked: its number from 0."""

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


class Progress(Paint):
    """How far an audit is: a bar, counts, time gone and time left. Hidden when none runs."""

    DEFAULT_CSS = """
    Progress { height: 1; padding: 0 1; display: none; }
    """

    snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot | None) -> None:
        """Show how this audit stands; None or a finished one hides the bar."""
        self.snapshot = snapshot
        self.display = snapshot is not None and not snapshot.finished
        if self.display:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        snapshot = self.snapshot
        if snapshot is None or y:
            return self.paint((), width)
        total = len(snapshot.cells)
        trouble = signs.trouble(snapshot)
        words: list[str | Span] = [f" {snapshot.done} of {total}"]
        if trouble:
            words.append((f" · ✗ {trouble}", "bad"))
        words.append((f" · {signs.clock(snapshot.elapsed)}", "muted"))
        if snapshot.stopping:
            words.append((" · stopping…", "warn"))
        elif snapshot.done == total:
            words.append((" · cleaning up", "muted"))
        elif snapshot.remaining is not None:
            words.append((f" · about {signs.clock(snapshot.remaining)} left", "muted"))
        text = line(*words)
        room = max(4, width - width_of(text))
        filled = signs.bar(_share(snapshot), room)
        rest = len(filled) - len(filled.rstrip())
        bar = line((filled.rstrip(), "accent"), ("░" * rest, "muted"))
        return self.paint(line(*bar, *text), width)


def _share(snapshot: Snapshot) -> float:
    """How much is done, cells that build counted by their steps."""
    if not snapshot.cells:
        return 0.0
    done = float(snapshot.done)
    done += sum(c.step / c.steps for c in snapshot.cells if c.state == "building" and c.steps)
    return done / len(snapshot.cells)


class KeyBar(Paint):
    """The keys of the place one is in, from its bindings; those without room are counted."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $panel; padding: 0 1; }
    """
    MOST = 6

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _: Screen[object]) -> None:
        self.refresh()

    def shown(self) -> list[tuple[str, str, Binding, object]]:
        """(key as shown, description, binding, node) of what is shown, in order."""
        found: dict[str, tuple[str, str, Binding, object]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            nowhere = binding.id == keys.ENTER and not getattr(self.screen, "ENTER", "x")
            if binding.show and active.enabled and binding.action not in found and not nowhere:
                key = self.app.get_key_display(binding)
                words = described(binding, self.screen)
                found[binding.action] = (key, words, binding, active.node)
        entries = list(found.values())
        return [*entries[:-1][: self.MOST - 1], *entries[-1:]]

    def labels(self) -> list[tuple[str, str, Binding, object]]:
        """Those for which there is room, `?` always among them."""
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
    """What a binding does here: `enter` leads to what the place says."""
    if binding.id == keys.ENTER:
        return getattr(screen, "ENTER", "") or binding.description
    return binding.description


def _entry_width(key: str, text: str) -> int:
    return cell_len(key) + cell_len(text) + 3
