"""A user's preferences: theme, columns and keys, from `app.toml` in the configuration folder.

    theme = "cachetui-light"
    columns = ["engine", "load"]          # of hosts, in Fleet
    hidden_scenarios = ["legacy-cold"]
    [keys]
    fleet.odd = "O"          # by id; several as "O,ctrl+o"

They are personal, so they are not in hosts.toml, which a team shares.
"""

from __future__ import annotations

import re
import shutil
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cachetui.tui.view import key_tables
from cachetui.tui.view.fleet_columns import FACTS, ColumnChoice

if TYPE_CHECKING:
    from textual.app import App

    from cachetui.config.toml_table import Table

_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|\[[^\]#]*\])"""
"""A string, or an array of strings without a comment inside."""

_MODIFIERS = frozenset(("ctrl", "shift", "alt", "meta", "super", "hyper"))


@dataclass(frozen=True)
class Preferences:
    """`theme` is None for the default; `keys` maps ids of bindings to keys, "O,ctrl+o" for two."""

    theme: str | None = None
    keys: dict[str, str] = field(default_factory=dict)
    columns: ColumnChoice = field(default_factory=ColumnChoice)


def path_of_file() -> Path:
    """Where the preferences are read from."""
    import platformdirs

    return platformdirs.user_config_path("cachetui") / "app.toml"


def load(path: Path | None = None) -> Preferences:
    """Read and check the preferences; the defaults when there is no file.

    Raises ConfigError for the first mistake: an unknown theme, column, scenario or id, a key that
    no terminal sends, or a key that means something else in the same place.
    """
    path = path or path_of_file()
    if not path.exists():
        return Preferences()
    from cachetui.config.hosts_toml import read_toml
    from cachetui.config.toml_table import Table

    top = Table(str(path), *read_toml(path), place="", label="top of the file")
    top.only(("theme", "columns", "hidden_scenarios", "keys"))
    theme = top.take_text("theme")
    if theme is not None:
        from textual.theme import BUILTIN_THEMES

        from cachetui.config.toml_table import near
        from cachetui.tui.view.themes import DARK, LIGHT

        known = sorted({*BUILTIN_THEMES, DARK.name, LIGHT.name})
        if theme not in known:
            raise top.error(f'there is no theme "{theme}"; {near(theme, known)}', "theme")
    columns = _columns(top)
    if "keys" not in top.values:
        return Preferences(theme, columns=columns)
    return Preferences(theme, _keys(top.inner("keys", "[keys]")), columns)


def _columns(top: Table) -> ColumnChoice:
    """The columns of Fleet, checked."""
    from cachetui.config.toml_table import near
    from cachetui.records.scenario import PEEKS, SCENARIO_NAMES, Scenario

    known = (*SCENARIO_NAMES, *(scenario.name for scenario in PEEKS))
    facts = top.take_strings("columns") or ()
    for name in facts:
        if name not in FACTS:
            raise top.error(f'there is no column "{name}"; {near(name, FACTS)}', "columns")
    hidden = top.take_strings("hidden_scenarios") or ()
    for name in hidden:
        if name not in known and not Scenario.of(name).shares:
            raise top.error(
                f'there is no scenario "{name}"; {near(name, known)}', "hidden_scenarios"
            )
    chosen = tuple(name for name in FACTS if name in facts)
    return ColumnChoice(chosen, hidden)


class _Session(Protocol):
    columns: ColumnChoice
    keep_columns: Callable[[ColumnChoice], bool]


def keep_choices(app: App[Any], session: _Session, preferences: Preferences) -> None:
    """Have the theme and the columns that are chosen from now on kept."""
    from cachetui.tui.view.themes import keep_chosen_theme

    session.columns = preferences.columns
    session.keep_columns = keep_columns
    keep_chosen_theme(app, keep_theme)


def keep_theme(theme: str, path: Path | None = None) -> bool:
    """Write the theme into `app.toml`: see `_keep`."""
    return _keep({"theme": theme}, path)


def keep_columns(choice: ColumnChoice, path: Path | None = None) -> bool:
    """Write the columns of Fleet into `app.toml`: see `_keep`."""
    return _keep({"columns": [*choice.facts], "hidden_scenarios": [*choice.hidden]}, path)


def _keep(values: Mapping[str, str | list[str]], path: Path | None) -> bool:
    """Write these into `app.toml`, and leave whatever else is there as it is, comments too.

    Returns False, with the file untouched, where that is not possible: the file or its folder
    cannot be written, or is not TOML.
    """
    path = path or path_of_file()
    try:
        before = path.read_bytes().decode() if path.exists() else ""
        wanted = {**tomllib.loads(before), **values}
        after = before
        for key, value in values.items():
            after = _with(after, key, value)
        if tomllib.loads(after) != wanted:  # such as a line of a longer text that looks like it
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()  # people link it to a folder of theirs
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(after.encode())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except (OSError, ValueError):
        return False
    return True


def _with(text: str, key: str, value: str | list[str]) -> str:
    """The text with the value of a key of the top table put in the place of its old one, or in a
    line of its own before all else."""
    import json  # a string, or an array of strings, without controls is TOML as it is JSON

    written = json.dumps(value, ensure_ascii=False)
    table = re.search(r"^[ \t]*\[", text, re.MULTILINE)
    entry = re.compile(rf"^([ \t]*{key}[ \t]*=[ \t]*){_VALUE}", re.MULTILINE)
    if match := entry.search(text, 0, table.start() if table else len(text)):
        return f"{text[: match.end(1)]}{written}{text[match.end() :]}"
    return f"{key} = {written}\n{text}"


def _keys(table: Table) -> dict[str, str]:
    """The table of keys, checked: ids of bindings to keys."""
    from cachetui.config.toml_table import near

    known = key_tables.by_id()
    changed: dict[str, str] = {}
    for name, value in _flat(table.values):
        toml_key = name.split(".", 1)[0] if name not in table.values else name
        if name not in known:
            raise table.error(f'nothing has the id "{name}"; {near(name, known)}', toml_key)
        keys = value if isinstance(value, list) else str(value).split(",")
        if not isinstance(value, str | list) or not all(isinstance(key, str) for key in keys):
            raise table.error(f'{name} must be a key such as "O", or several: "O,ctrl+o"', toml_key)
        for key in keys:
            if not _is_key(key.strip()):
                raise table.error(
                    f'{name}: "{key}" is not a key; keys are written as O, f5, space or ctrl+x',
                    toml_key,
                )
        changed[name] = ",".join(key_tables.canonical(key.strip()) for key in keys)
    for name, other, key in _clashes(changed):
        toml_key = name.split(".", 1)[0] if name not in table.values else name
        raise table.error(
            f"{name}: {key} is the key of {other} too ({known[other].description});"
            " give that one another",
            toml_key,
        )
    return changed


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """(id, value) of each entry, whether written as `fleet.odd = "O"`, a table in a table, or as
    `"fleet.odd" = "O"`."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _is_key(text: str) -> bool:
    from textual.keys import Keys

    *modifiers, base = text.split("+") if len(text) > 1 else [text]
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
    for tables in key_tables.ACTIVE_TOGETHER:
        before = key_tables.ids_by_key(tables)
        after = key_tables.ids_by_key(tables, changed)
        for key, ids in after.items():
            if len(ids) > 1 and ids != before.get(key):
                name = next((id for id in ids if id in changed), None)
                other = next((id for id in ids if id != name), None)
                if name is not None and other is not None:
                    yield name, other, key
