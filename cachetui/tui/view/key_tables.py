"""The tables of keys as a whole: which are active together, the cheat sheet, look-ups by id."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from cachetui.tui.view.keys import (
    APP,
    COMMAND,
    COMPARE,
    DIALOG,
    FILE,
    FLEET,
    GRID,
    HISTORY,
    LINES,
    LOG,
    MOUNTS,
    OUTPUTS,
    SHARE,
    STEP,
    TIMELINE,
)

ACTIVE_TOGETHER: tuple[tuple[list[BindingType], ...], ...] = (
    (FLEET, GRID, APP),
    (COMPARE, GRID, APP),
    (STEP, LOG, APP),
    (TIMELINE, GRID, APP),
    (MOUNTS, GRID, APP),
    (HISTORY, GRID, APP),
    (OUTPUTS, GRID, APP),
    (SHARE, GRID, APP),
    (FILE, LINES),
    (COMMAND, LINES),
)
"""Tables that are active at the same time: within each group a key should mean one thing."""

TITLES: tuple[tuple[str, list[BindingType]], ...] = (
    ("Everywhere", APP),
    ("Moving in a table", GRID),
    ("Fleet", FLEET),
    ("Compare", COMPARE),
    ("Step", STEP),
    ("Moving in a log", LOG),
    ("Timeline", TIMELINE),
    ("Mounts", MOUNTS),
    ("History", HISTORY),
    ("Outputs", OUTPUTS),
    ("A file of an image", FILE),
    ("Share", SHARE),
    ("Commands", COMMAND),
)
"""The tables in the order of the cheat sheet, each with its title."""


def by_id() -> dict[str, Binding]:
    """Every binding that can be remapped, by its id."""
    tables = [table for _, table in TITLES] + [LINES, DIALOG]
    return {
        binding.id: binding
        for table in tables
        for binding in table
        if isinstance(binding, Binding) and binding.id
    }


def canonical(key: str) -> str:
    """A key by Textual's name for it: "?" is "question_mark"."""
    from textual.keys import _character_to_key

    return _character_to_key(key) if len(key) == 1 else key


def ids_by_key(
    tables: tuple[list[BindingType], ...], changed: Mapping[str, str] | None = None
) -> dict[str, set[str]]:
    """The ids of the bindings of each key where these tables are active. `changed` has the keys of
    remapped bindings by id."""
    ids: dict[str, set[str]] = {}
    for table in tables:
        for binding in table:
            if isinstance(binding, Binding):
                name = binding.id or ""
                for key in (changed or {}).get(name, binding.key).split(","):
                    ids.setdefault(canonical(key), set()).add(name)
    return ids


def sheet() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The cheat sheet: titles, each with (keys as shown, what they do, id)."""
    return [
        (
            title,
            [
                (shown(binding), binding.tooltip or binding.description, binding.id or "")
                for binding in table
                if isinstance(binding, Binding)
            ],
        )
        for title, table in TITLES
    ]


def shown(binding: Binding) -> str:
    """A binding's keys as people read them: "j ↓"."""
    from textual.keys import format_key

    if binding.key_display:
        return binding.key_display
    return " ".join(format_key(key) for key in binding.key.split(","))
