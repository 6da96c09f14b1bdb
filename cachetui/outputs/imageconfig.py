"""How two images' configurations differ: what a container is run with, and what is bookkeeping.

The legacy builder keeps the container that made the last layer in an image's configuration, and
BuildKit does not (our lab: `container`, `container_config`, `Image`, `docker_version`); both
write the time, and each its own words into the history. None of that changes what a container
does: it is bookkeeping, counted, and minded only when strict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cachetui.outputs.attribute import read_entry
from cachetui.outputs.contents import ImageContents
from cachetui.records.base import Record

_TOP = ("architecture", "os", "variant", "os.version", "os.features", "author")
_BOOKKEEPING = frozenset({"Image", "Hostname", "Domainname", "ArgsEscaped", "MacAddress"})
"""Keys of `config` that builders fill each in their own way; the engine sets them anew, or (the
last but one) reads them on Windows only."""

_LONGEST = 2000
_LONGEST_BOOKKEEPING = 100


class ConfigDifference(Record, frozen=True, kw_only=True):
    """A setting that differs: `name` ("Env PATH", "Cmd", …), and its value on both sides as text,
    None where it is not set."""

    name: str
    a: str | None
    b: str | None
    bookkeeping: bool = False


def config_differences(a: ImageContents, b: ImageContents) -> tuple[ConfigDifference, ...]:
    """The settings in which two images differ, those that matter first."""
    differences = [
        ConfigDifference(
            name=name, a=_short(value_a, minor), b=_short(value_b, minor), bookkeeping=minor
        )
        for name, value_a, value_b, minor in _pairs(a, b)
        if value_a != value_b
    ]
    return tuple(sorted(differences, key=lambda difference: difference.bookkeeping))


_Pair = tuple[str, str | None, str | None, bool]


def _pairs(a: ImageContents, b: ImageContents) -> Iterator[_Pair]:
    for key in sorted({*a.config, *b.config} - {"config", "rootfs", "history"}):
        one, other = _text(a.config.get(key)), _text(b.config.get(key))
        yield key, one, other, key not in _TOP
    settings_a, settings_b = _settings(a.config), _settings(b.config)
    for key in sorted({*settings_a, *settings_b}):
        yield from _setting(key, settings_a.get(key), settings_b.get(key))
    yield from _history(a, b)


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    settings = config.get("config")
    return settings if isinstance(settings, dict) else {}


def _setting(key: str, a: Any, b: Any) -> Iterator[_Pair]:
    """One setting, or each of its parts: variables and labels are told one by one."""
    if key == "Env" and isinstance(a or [], list) and isinstance(b or [], list):
        parts_a, parts_b = _variables(a or []), _variables(b or [])
    elif key in ("Labels", "ExposedPorts", "Volumes"):
        parts_a = a if isinstance(a, dict) else {}
        parts_b = b if isinstance(b, dict) else {}
    else:
        yield key, _text(a), _text(b), key in _BOOKKEEPING
        return
    for name in sorted({*parts_a, *parts_b}):
        one, other = (
            _given(parts[name]) if name in parts else None for parts in (parts_a, parts_b)
        )
        yield f"{key} {name}", one, other, False


def _variables(env: list[Any]) -> dict[str, str]:
    """Variables by name; the last of a name holds."""
    return {name: value for name, _, value in (str(one).partition("=") for one in env)}


def _history(a: ImageContents, b: ImageContents) -> Iterator[_Pair]:
    """Times and words of the history, as a count each: between builders every word differs."""
    one, other = a.history, b.history
    yield "history entries", str(len(one)), str(len(other)), True
    if len(one) == len(other):
        times = sum(x.get("created") != y.get("created") for x, y in zip(one, other, strict=True))
        words = sum(read_entry(x) != read_entry(y) for x, y in zip(one, other, strict=True))
        yield "history times", None, f"{times} differ" if times else None, True
        yield "history words", None, f"{words} differ" if words else None, True


def _given(value: Any) -> str:
    """The value of a name that is there; a port's or a volume's says nothing."""
    return value if isinstance(value, str) else _text(value) or ""


def _text(value: Any) -> str | None:
    """A value as text, None for what is as good as not set: null, false, "", [], {}, 0."""
    if not value:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str | None, bookkeeping: bool) -> str | None:
    longest = _LONGEST_BOOKKEEPING if bookkeeping else _LONGEST
    return text if text is None or len(text) <= longest else text[:longest] + "…"
