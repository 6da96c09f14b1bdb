"""Help: every key that works in the current place, and what the signs mean."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from cachetui.report import cells
from cachetui.tui.screens.place import Place
from cachetui.tui.view import signs
from cachetui.tui.view.text import Line, Tone, line
from cachetui.tui.widgets.frame import described
from cachetui.tui.widgets.text_page import TextPage

_NAMES = {"app": "Everywhere", "grid": "Moving", "log": "Moving in a log", "lines": "Moving"}


class Help(ModalScreen[None]):
    """Keys in groups: of the place first, then for moving, then everywhere."""

    BINDINGS: ClassVar = [Binding("escape,question_mark,q,enter", "dismiss", "Close", show=False)]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._below = below

    def compose(self) -> ComposeResult:
        box = Vertical(classes="box")
        box.border_title = "Keys and signs"
        box.border_subtitle = "esc closes"
        with box:
            yield TextPage()

    def lines(self, width: int) -> list[Line]:
        """The page, wrapped to `width` cells, from the active bindings of the screen below."""
        groups: dict[str, dict[str, tuple[list[str], str, bool]]] = {}
        for active in self._below.active_bindings.values():
            binding = active.binding
            place = (binding.id or "").split(".", 1)[0]
            if not place or not binding.description:
                continue
            words = binding.tooltip or described(binding, self._below)
            entry = groups.setdefault(place, {}).setdefault(
                binding.id or "", ([], words, active.enabled)
            )
            key = self.app.get_key_display(binding)
            if key not in entry[0]:
                entry[0].append(key)
        own = self._below.PLACE if isinstance(self._below, Place) else ""
        order = sorted(groups, key=lambda name: (name != own, name == "app"))
        shown: list[Line] = []
        for place in order:
            if shown:
                shown.append(())
            shown.append(line((_NAMES.get(place, place.title()), "title")))
            for keys_of, words, enabled in groups[place].values():
                tone: Tone = "" if enabled else "muted"
                keys = " ".join(keys_of)
                shown += _entry(keys, "key" if enabled else "muted", words, tone, width)
        shown += [(), line(("Signs", "title"))]
        for sign, words in signs.LEGEND:
            shown += _entry(sign, "strong", words, "", width)
        return shown

    def on_mount(self) -> None:
        page = self.query_one(TextPage)
        page.show(self.lines(max(24, min(72, self.app.size.width * 96 // 100) - 5)))
        page.focus()


def _entry(head: str, head_tone: Tone, words: str, tone: Tone, width: int) -> list[Line]:
    """Keys or a sign, and beside it its meaning in as many lines as it takes."""
    parts = cells.wrap(words, width - 15) or [""]
    return [
        line("  ", (f"{head if not number else '':<12}", head_tone), (f" {part}", tone))
        for number, part in enumerate(parts)
    ]
