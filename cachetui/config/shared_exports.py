"""Targets of one bake or compose file that export their caches to one place. Pure.

Nothing is merged there: what ends last replaces what was exported before it (our lab: two targets
of one `docker buildx bake`, 28.5 with the containerd store).
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cachetui.config.toml_table import ConfigError

_SAME_CACHE = ("tags", "output", "description", "cache-to", "cache-from", "annotations", "attest")
"""Fields in which targets may differ that have all results in common."""
_OWN = {"registry": "ref", "local": "dest or tag", "gha": "scope"}
"""What tells the places of a type apart."""
_MOST = 5

_Target = Mapping[str, Any]


def overwritten(
    name: str, target: _Target, read: Callable[[], Mapping[str, _Target]]
) -> Iterator[str]:
    """A sentence for each place to which a target and others of its file export. `read` gives the
    targets that are built where none is named, and is not called for a target that exports
    nothing; where it raises `ConfigError`, nothing is said."""
    mine = _places(target)
    if not mine:
        return
    try:
        targets = read()
    except ConfigError:
        return
    cache = _cache(targets.get(name, target))  # of one reading: timestamp() is another each time
    for place, words in mine.items():
        also = [
            other
            for other, fields in targets.items()
            if other != name and place in _places(fields) and _cache(fields) != cache
        ]
        if also:
            more = f" and {len(also) - _MOST} more" if len(also) > _MOST else ""
            yield (
                f"{name} exports its cache to {words}, as does {', '.join(also[:_MOST])}{more}: "
                "nothing is merged, so what ends last is all that is there; give each a "
                f"{_OWN[place[0]]} of its own"
            )


def _cache(target: _Target) -> dict[str, Any]:
    """What decides about a target's results."""
    return {key: value for key, value in target.items() if key not in _SAME_CACHE and value}


def _places(target: _Target) -> dict[tuple[str, ...], str]:
    """Where a target exports its cache to: what tells the place from others, as it is written."""
    found: dict[tuple[str, ...], str] = {}
    for value in target.get("cache-to") or ():
        fields = _fields(value)
        kind = fields.get("type", "registry")
        if kind == "registry" and fields.get("ref"):
            found[kind, _tagged(fields["ref"])] = fields["ref"]
        elif kind == "local" and fields.get("dest"):
            folder = posixpath.normpath(fields["dest"])
            found[kind, folder, fields.get("tag") or "latest"] = fields["dest"]
        elif kind == "gha":
            scope = fields.get("scope") or "buildkit"
            found[kind, scope] = f"the scope {scope} of type=gha"
    return found


def _tagged(ref: str) -> str:
    last = ref.rpartition("/")[2]
    return ref if ":" in last or "@" in last else f"{ref}:latest"


def _fields(value: Any) -> dict[str, str]:
    """The fields of a cache, which newer buildx print as a table; a name alone is a reference."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    text = str(value)
    if "=" not in text:
        return {"type": "registry", "ref": text}
    try:
        words = next(csv.reader([text]), [])
    except csv.Error:
        return {}
    return {key.strip().lower(): item for key, _, item in (word.partition("=") for word in words)}
