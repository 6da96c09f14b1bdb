"""What a host's engine says of an image that a build has just made."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Completed, HostError, Machine
from cachetui.records.host_json import decode, loads
from cachetui.records.run import Image

INSPECT_SECONDS = 60.0


def inspect_image(machine: Machine, host: HostSettings, name: str) -> tuple[Image | None, str]:
    """The image of that name (a tag or an ID), and the command that asked for it, without the
    values of the host's `env`. The image is None when the host does not tell."""
    arguments = f"image inspect --format '{{{{json .}}}}' {name}"
    done: Completed | None = None
    with suppress(HostError):
        done = machine.run(f"{client(host.docker, host.env)} {arguments}", timeout=INSPECT_SECONDS)
    command = f"{client(host.docker)} {arguments}"
    if done is None or done.status != 0:
        return None, command
    with suppress(msgspec.MsgspecError):
        image = decode(done.stdout, _Inspected)
        layers = tuple(image.RootFS.Layers or ())
        return Image(id=image.Id, layers=layers, bytes=image.Size), command
    return None, command


def read_triggers(
    machine: Machine, host: HostSettings, refs: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """The texts of the ONBUILD triggers of those of these images that the host has."""
    found: dict[str, tuple[str, ...]] = {}
    for ref in refs:
        ask = f"image inspect --format '{{{{json .Config.OnBuild}}}}' {shlex.quote(ref)}"
        with suppress(HostError, ValueError, TypeError):
            done = machine.run(f"{client(host.docker, host.env)} {ask}", timeout=INSPECT_SECONDS)
            if done.status == 0:
                found[ref] = tuple(map(str, loads(done.stdout) or ()))
    return found


class _RootFs(msgspec.Struct):
    Layers: list[str] | None = None


class _Inspected(msgspec.Struct):
    """What we read of `docker image inspect`."""

    Id: str
    RootFS: _RootFs
    Size: int = 0
