"""The command palette: every action of the current place and of the app, with its key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from cachetui.tui.screens.place import PLACES
from cachetui.tui.widgets.frame import described

EVERYWHERE = "Everywhere"
"""The group of actions that every place has."""

_HIDDEN = ("move", "edge", "page", "scroll_by", "place_number", "command_palette")


def commands(app: App[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The actions that are possible now, each once and under the name of the place whose it is,
    then the places and the themes. The palette sorts them by name."""
    seen: set[str] = set()
    place = dict(PLACES).get(getattr(screen, "PLACE", ""), "Here")
    for active in screen.active_bindings.values():
        binding = active.binding
        name = binding.action.split("(", 1)[0]
        title = described(binding, screen)
        words = binding.tooltip or title
        if not binding.id or not active.enabled or name in _HIDDEN or binding.id in seen:
            continue
        seen.add(binding.id)
        group = EVERYWHERE if binding.id.startswith("app.") else place
        yield SystemCommand(
            f"{group}: {words.rstrip('…')}",
            app.get_key_display(binding),
            partial(app.run_action, binding.action, active.node),
        )
    for number, (_, name) in enumerate(PLACES, start=1):
        yield SystemCommand(
            f"Go to {name}", f"{number}", partial(app.run_action, f"place_number({number})")
        )
    yield SystemCommand(f"{EVERYWHERE}: Theme", "Change the colours", app.action_change_theme)
