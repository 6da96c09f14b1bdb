"""What the facts script tells of a base image's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cachetui.records.digest import ValueHasher
from cachetui.records.host_json import loads
from cachetui.records.image_settings import ImageSettings


@dataclass(frozen=True, slots=True)
class BaseOnHost:
    """A base image as a host tells of it: None where it does not."""

    layers: tuple[str, ...] | None
    triggers: tuple[str, ...] | None
    settings: ImageSettings | None


def base_of_line(line: str, hasher: ValueHasher) -> BaseOnHost:
    """A line of the script: the layers as JSON, and behind a bar the configuration, of which some
    hosts tell the triggers alone."""
    layers, bar, rest = line.partition("|")
    told = _json(rest)
    if isinstance(told, dict):
        return BaseOnHost(
            _texts(_json(layers)), _texts(told.get("triggers")) or (), _settings(told, hasher)
        )
    return BaseOnHost(_texts(_json(layers)), (_texts(told) or ()) if bar else None, None)


def _settings(told: Mapping[str, Any], hasher: ValueHasher) -> ImageSettings:
    variables = (text.partition("=") for text in _texts(told.get("env")) or ())
    return ImageSettings(
        env={name: hasher.digest(value) for name, _, value in variables},
        folder=str(told.get("folder") or ""),
        user=str(told.get("user") or ""),
        shell=_texts(told.get("shell")) or (),
    )


def _json(text: str) -> Any:
    """What a JSON text stands for, None where it is none."""
    try:
        return loads(text)
    except ValueError:
        return None


def _texts(value: object) -> tuple[str, ...] | None:
    """The strings of a list, None where there is none."""
    return tuple(map(str, value)) if isinstance(value, list) else None
