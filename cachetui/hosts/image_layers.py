"""The layers and the history of an image that a host has."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from cachetui.builders.client import client, last_line
from cachetui.config.settings import HostSettings
from cachetui.hosts.found_cache import ImageLayers
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.host_json import decode

ASK_SECONDS = 60.0
_MAKERS = ("RUN", "COPY", "ADD", "WORKDIR")
"""What makes a layer each in an image that BuildKit made (our lab)."""


class _Entry(msgspec.Struct, rename="pascal"):
    """A line of `docker history`."""

    created_by: str = ""
    comment: str = ""


def read_image_layers(machine: Machine, host: HostSettings, name: str) -> ImageLayers:
    """The image of that name or ID on the host. `docker history` does not say which entries have a
    layer: those of BuildKit that can have one do, and what stands below the last of them has the
    layers that are left. Raises `HostError` where the host has no such image."""
    docker, quoted = client(host.docker, host.env), shlex.quote(name)
    inspected = machine.run(
        f"{docker} image inspect --format '{{{{json .RootFS.Layers}}}}' -- {quoted}",
        timeout=ASK_SECONDS,
    )
    if inspected.status:
        raise HostError(
            machine.name,
            "shell",
            f"there is no image {name} ({last_line(inspected.error_text, host.env)})",
            "pull it there, or name an image that was built with the cache there",
        )
    told = machine.run(
        f"{docker} history --no-trunc --format '{{{{json .}}}}' -- {quoted}", timeout=ASK_SECONDS
    )
    layers: tuple[str, ...] = ()
    entries: list[_Entry] = []
    with suppress(msgspec.MsgspecError):
        layers = tuple(decode(inspected.stdout, list[str]))
        entries = [decode(line, _Entry) for line in told.stdout.splitlines() if line.strip()]
    if told.status or not layers or not entries:
        raise HostError(
            machine.name,
            "shell",
            f"docker shows neither the layers nor the history of {name}",
            "name another image that was built with the cache",
        )
    return ImageLayers(name, layers, _history(entries, len(layers)))


def _history(entries: list[_Entry], layers: int) -> tuple[Mapping[str, object], ...]:
    """The newest entries as far as BuildKit made them, behind as many that say nothing as layers
    are left; `entries` have the newest first."""
    top: list[Mapping[str, object]] = []
    left = layers
    for entry in entries:
        makes = entry.created_by.partition(" ")[0] in _MAKERS
        if not entry.comment.startswith("buildkit") or (makes and not left):
            break
        left -= makes
        words = {"created_by": entry.created_by, "comment": entry.comment}
        top.append({**words, "empty_layer": not makes})
    return (*({} for _ in range(left)), *reversed(top))
