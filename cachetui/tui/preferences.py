"""What a user likes: theme and keys, from `app.toml` in the configuration folder.

    theme = "cachetui-light"
    [keys]
    fleet.odd = "O"          # by id; several as "O,ctrl+o"

They are a person's, so they are no part of hosts.toml, which a team shares.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetui.tui import keys as own

if TYPE_CHECKING:
    from cachetui.config.toml_table import Table

_MODIFIERS = frozenset(("ctrl", "shift", "alt", "meta", "super", "hyper"))


@dataclass(frozen=True)
class Preferences:
    """`theme` is None where none is wished for; `keys` maps ids of bindings to keys."""

    theme: str | None = None
    keys: dict[str, str] = field(default_factory=dict)


def place() -> Path:
    """Where they are looked for."""
    import platformdirs

    return platformdirs.user_config_path("cachetui") / "app.toml"


def load(path: Path | None = None) -> Preferences:
    """Read and check them; without a file there are none.

    Raises ConfigError for the first thing that is wrong: a theme or an id that is not there, a
    key that no terminal sends, or one that means something else in the same place.
    """
    path = path or place()
    if not path.exists():
        return Preferences()
    from cachetui.config.hosts_toml import read_toml
    from cachetui.config.toml_table import Table

    top = Table(str(path), *read_toml(path), place="", label="top of the file")
    top.only(("theme", "keys"))
    theme = top.take_text("theme")
    if theme is not None:
        from textual.theme import BUILTIN_THEMES

        from cachetui.config.toml_table import near
        from cachetui.tui.themes import DARK, LIGHT

        known = sorted({*BUILTIN_THEMES, DARK.name, LIGHT.name})
        if theme not in known:
            raise top.error(f'there is no theme "{theme}"; {near(theme, known)}', "theme")
    if "keys" not in top.values:
        return Preferences(theme)
    return Preferences(theme, _keys(top.inner("keys", "[keys]")))


def _keys(table: Table) -> dict[str, str]:
    from cachetui.config.toml_table import near

    known = own.by_id()
    found: dict[str, str] = {}
    for name, value in _flat(table.values):
        key = name.split(".", 1)[0] if name not in table.values else name
        if name not in known:
            raise table.error(f'nothing has the id "{name}"; {near(name, known)}', key)
        words = value if isinstance(value, list) else str(value).split(",")
        if not isinstance(value, str | list) or not all(isinstance(word, str) for word in words):
            raise table.error(f'{name} must be a key such as "O", or several: "O,ctrl+o"', key)
        for word in words:
            if not _is_key(word.strip()):
                raise table.error(
                    f'{name}: "{word}" is no key; keys are written as O, f5, space or ctrl+x', key
                )
        found[name] = ",".join(own.normal(word.strip()) for word in words)
    for name, other, pressed in _clashes(found):
        key = name.split(".", 1)[0] if name not in table.values else name
        raise table.error(
            f"{name}: {pressed} is the key of {other} too ({known[other].description});"
            " give that one another",
            key,
        )
    return found


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`fleet.odd = "O"` is a table in a table; `"fleet.odd" = "O"` is not. Both are meant."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _is_key(word: str) -> bool:
    from textual.keys import Keys

    *modifiers, base = word.split("+") if len(word) > 1 else [word]
    if not base or not set(modifiers) <= _MODIFIERS:
        return False
    if len(base) == 1 or base in {key.value for key in Keys}:
        return base.isprintable()
    try:
        unicodedata.lookup(base.replace("_", " ").upper())
    except KeyError:
        return base in ("question_mark", "slash", "minus", "plus", "at", "underscore")
    return True


def _clashes(changed: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(id that was changed, other id, key) where one key would mean two things in a place."""
    for tables in own.TOGETHER:
        before, after = own.pressed(tables), own.pressed(tables, changed)
        for key, ids in after.items():
            if len(ids) > 1 and ids != before.get(key):
                name = next((one for one in ids if one in changed), None)
                other = next((one for one in ids if one != name), None)
                if name is not None and other is not None:
                    yield name, other, key
