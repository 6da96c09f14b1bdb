"""The colours: two themes of our own besides Textual's, and the style of each tone in a theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

from cachetui.tui.view.text import Tone

DARK = Theme(
    name="cachetui-dark",
    primary="#4f8fcf",
    secondary="#8fa3bf",
    accent="#56c2bb",
    success="#7cc58d",
    warning="#f0b45e",
    error="#ec7280",
    foreground="#d6dbe3",
    background="#13161b",
    surface="#191d24",
    panel="#212732",
    dark=True,
)

LIGHT = Theme(
    name="cachetui-light",
    primary="#2b6cb0",
    secondary="#5a6b82",
    accent="#0b7a75",
    success="#25763f",
    warning="#9a5b00",
    error="#b3203a",
    foreground="#262b33",
    background="#fbfaf8",
    surface="#f2f0ec",
    panel="#e5e2db",
    dark=False,
)

_VARIABLES: dict[Tone, str] = {
    "good": "success",
    "bad": "error",
    "warn": "warning",
    "accent": "accent",
    "title": "primary",
    "key": "accent",
}
"""Tone → colour of the theme. Our themes' colours are readable on their backgrounds; of Textual's
themes the variants for text are used."""

_BOLD: frozenset[Tone] = frozenset(("bad", "strong", "title", "key", "odd", "here", "tab"))
_BACKED: dict[Tone, str] = {
    "odd": "warning",
    "here": "warning",
    "found": "accent",
    "tab": "primary",
}
"""Tone → colour of its background."""

_cached: tuple[str, dict[str, str], dict[Tone, Style]] | None = None


def tone_styles(app: App[Any]) -> dict[Tone, Style]:
    """The style of each tone in the current theme of the app."""
    global _cached
    variables = app.theme_variables
    if _cached is None or _cached[0] != app.theme or _cached[1] is not variables:
        _cached = (
            app.theme,
            variables,
            _make_styles(variables, app.theme in (DARK.name, LIGHT.name)),
        )
    return _cached[2]


def _make_styles(variables: dict[str, str], own_theme: bool) -> dict[Tone, Style]:
    def color(name: str) -> Color | None:
        try:
            return Color.parse(variables[name])
        except (KeyError, ColorParseError):
            return None

    front, back = color("foreground"), color("background")
    styles: dict[Tone, Style] = {"strong": Style(bold=True)}
    for tone, name in _VARIABLES.items():
        front_color = color(name) if own_theme else color(f"text-{name}") or color(name)
        styles[tone] = Style(
            color=front_color.rich_color if front_color else None, bold=tone in _BOLD
        )
    for tone, name in _BACKED.items():
        behind = color(name)
        if behind is None or back is None or behind.ansi is not None or back.ansi is not None:
            styles[tone] = Style(reverse=True, bold=tone in _BOLD)
        else:
            on = behind.get_contrast_text(1.0)
            styles[tone] = Style(color=on.rich_color, bgcolor=behind.rich_color, bold=tone in _BOLD)
    if front is None or back is None or front.ansi is not None or back.ansi is not None:
        styles["muted"] = Style(dim=True)
    else:
        styles["muted"] = Style(color=back.blend(front, 0.58, 1.0).rich_color)
    return styles


def keep_chosen_theme(app: App[Any], keep: Callable[[str], bool]) -> None:
    """Have each theme that is chosen from now on kept by `keep`; say so where it cannot."""

    def chosen(theme: str) -> None:
        if not keep(theme):
            app.notify(
                "This theme lasts until you quit: app.toml cannot be written.",
                severity="warning",
                markup=False,
            )

    app.watch(app, "theme", chosen, init=False)
