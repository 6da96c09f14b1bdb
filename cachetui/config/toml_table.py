"""TOML tables read key by key: each wrong value is one `ConfigError` that names its place.

tomli tells the line of broken syntax only, so `Places` finds the lines of tables and keys by a
light reading of the text of its own. Where it cannot, messages name table and key without a line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """A setting that is wrong: one message that names the place and what would be right."""


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class Places:
    """The lines of a TOML text's tables and keys, found without parsing it whole.

    A table is named by its dotted path, an array's table by path and position: `hosts.0`.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, str | None], int] = {}
        counts: dict[str, int] = {}
        table = ""
        fence = ""
        for number, line in enumerate(text.splitlines(), 1):
            if fence:
                fence = "" if line.count(fence) % 2 else fence
                continue
            if header := _HEADER.match(line):
                table = ".".join(_parts(header[2]))
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = f"{table}.{counts[table]}"
                elif "." in table and table.split(".", 1)[0] in counts:
                    # [hosts.env] after [[hosts]] belongs to the last of them.
                    first, rest = table.split(".", 1)
                    table = f"{first}.{counts[first]}.{rest}"
                self._lines.setdefault((table, None), number)
            elif key := _KEY.match(line):
                parts = _parts(key[1])
                for end in range(1, len(parts) + 1):
                    inner = ".".join(filter(None, [table, *parts[: end - 1]]))
                    self._lines.setdefault((inner, parts[end - 1]), number)
            for mark in ('"""', "'''"):
                if line.count(mark) % 2:
                    fence = mark

    def line(self, table: str, key: str | None = None) -> int | None:
        """The 1-based line of a key in a table, else of the table, else None."""
        number = self._lines.get((table, key))
        if number is None and key is not None:
            inner = f"{table}.{key}" if table else key
            number = self._lines.get((inner, None)) or self._lines.get((table, None))
        if number is None and "." in table:
            outer, last = table.rsplit(".", 1)
            number = self._lines.get((outer, last))
        return number


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def kind(value: object) -> str:
    """What a TOML value is, in words: `a string`, `a whole number`, …"""
    if isinstance(value, bool):
        return "true or false"
    for type_, words in (
        (str, "a string"),
        (int, "a whole number"),
        (float, "a number"),
        (list, "an array"),
        (dict, "a table"),
    ):
        if isinstance(value, type_):
            return words
    return "a date or time"


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for a known word spelt nearly so, else what is known."""
    known = list(known)
    spelt = word.lower().replace("-", "_")
    close = [
        *difflib.get_close_matches(word, known, n=1, cutoff=0.6),
        *difflib.get_close_matches(spelt, known, n=1, cutoff=0.6),
    ]
    return f'did you mean "{close[0]}"?' if close else f"known: {', '.join(known)}"


class Table:
    """One table being read: its file, its place and its label for messages.

    Every `take_*` returns the key's value checked, or `default` where the key is absent, and
    raises `ConfigError` for a value of the wrong kind.
    """

    def __init__(
        self, file: str, places: Places, values: dict[str, Any], place: str, label: str
    ) -> None:
        self._file = file
        self._places = places
        self.values = values
        self._place = place
        self.label = label

    def error(self, what: str, key: str | None = None) -> ConfigError:
        """The error for a key of this table (or the table itself): place, then `what`."""
        line = self._places.line(self._place, key)
        where = f"{self._file}:{line}" if line else self._file
        named = f"{self.label}, key {key}" if key is not None else self.label
        return ConfigError(f"{where}: {named}: {what}")

    def inner(self, key: str, label: str) -> Table:
        """The table under `key`; ConfigError when it is something else."""
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.error(f"must be a table, not {kind(value)}", key)
        return Table(
            self._file, self._places, value, ".".join(filter(None, [self._place, key])), label
        )

    def array(self, key: str, label: str) -> list[Table]:
        """The tables of the array of tables under `key`, [] when it is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(f"must be tables, each under its own [[{key}]]", key)
        return [
            Table(self._file, self._places, item, f"{key}.{number}", label)
            for number, item in enumerate(value)
        ]

    def only(self, known: Iterable[str]) -> None:
        """Raise for the first key that is not known, with the one that may be meant."""
        known = list(known)
        for key in self.values:
            if key not in known:
                raise self.error(f"there is no such key; {near(key, known)}", key)

    def take_text(self, key: str, default: str | None = None) -> str | None:
        """A string with something in it and no control characters."""
        if key not in self.values:
            return default
        value = self.values[key]
        if not isinstance(value, str):
            raise self.error(f"must be a string in quotes, not {kind(value)}", key)
        return self._clean(key, value)

    def _clean(self, key: str, value: str) -> str:
        if not value.strip():
            raise self.error("is empty; give it a value or remove the key", key)
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise self.error("holds a control character or line break", key)
        return value

    def take_number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within limits: seconds."""
        if key not in self.values:
            return default
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"must be a number of seconds, not {kind(value)}", key)
        if not low < value <= high:
            raise self.error(f"must be more than {low:g} and at most {high:g} seconds", key)
        return float(value)

    def take_port(self, key: str) -> int | None:
        """A TCP port."""
        return self.take_whole(key, 1, 65535)

    def take_whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number within limits."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"must be a whole number from {low} to {high}, not {kind(value)}", key)
        if not low <= value <= high:
            raise self.error(f"must be a whole number from {low} to {high}, not {value}", key)
        return value

    def take_switch(self, key: str) -> bool | None:
        """true or false."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"must be true or false, without quotes, not {kind(value)}", key)
        return value

    def take_strings(self, key: str) -> tuple[str, ...] | None:
        """An array of strings."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, list):
            raise self.error(f'must be an array of strings, as ["a", "b"], not {kind(value)}', key)
        for item in value:
            if not isinstance(item, str):
                raise self.error(f"holds {kind(item)}; every entry must be a string in quotes", key)
            if "\0" in item:
                raise self.error("holds a NUL character", key)
        return tuple(value)

    def take_map(self, key: str) -> dict[str, str] | None:
        """A table of strings, its keys the names of variables. The message names no value:
        values may be secrets."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.error(
                f'must be a table of strings, as {{ A = "1" }}, not {kind(value)}', key
            )
        for name, item in value.items():
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise self.error(f'"{name}" is not a valid variable name (letters, digits, _)', key)
            if not isinstance(item, str):
                raise self.error(f"{name} is {kind(item)}; put its value in quotes", key)
            if "\0" in item:
                raise self.error(f"{name} holds a NUL character", key)
        return dict(value)

    def take_path(self, key: str, folder: Path) -> Path | None:
        """A path: `~` expanded, relative to `folder`. It need not exist."""
        text = self.take_text(key)
        if text is None:
            return None
        try:
            return folder / Path(text).expanduser()
        except RuntimeError:
            raise self.error(f"there is no home folder for {text.split('/', 1)[0]}", key) from None
