"""An image on a host, and what the host's engine says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.outputs import program
from cachetui.outputs.intake import Unpacker
from cachetui.records.host_json import decode

ASK_SECONDS = 120.0

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class _RootFs(msgspec.Struct):
    Layers: list[str] | None = None


class _InspectAnswer(msgspec.Struct):
    Id: str
    RootFS: _RootFs


@dataclass(frozen=True)
class ImageSource:
    """An image on a host (a tag or an id), and the way to it. `timeout`: of a save, in seconds."""

    machine: Machine
    host: HostSettings
    image: str
    cancel: Cancel | None = None
    timeout: float = 3600.0

    @property
    def save(self) -> str:
        return program.save_command(self.host, self.image)

    def error(self, reason: str, remedy: str = "") -> HostError:
        return HostError(self.machine.name, "shell", f"image {self.image}: {reason}", remedy)

    def run_program(self, request: Mapping[str, object], unpacker: Unpacker) -> None:
        """Run our program on the host, what it prints going to `unpacker`. Raises `HostError`."""
        self.machine.stream(
            program.program_command(request),
            unpacker.output,
            timeout=self.timeout,
            cancel=self.cancel,
        )


@dataclass(frozen=True)
class InspectedImage:
    """What the engine says of an image: its id, its layers (`sha256:…`, in order), and the `tool`
    that the host can read it with: `python3`, `tar` or `none`."""

    id: str
    layers: tuple[str, ...]
    tool: str


def inspect(source: ImageSource) -> InspectedImage:
    """What the host's engine says of the image. Raises `HostError`."""
    done = source.machine.run(
        program.inspect_command(source.host, source.image),
        timeout=ASK_SECONDS,
        cancel=source.cancel,
    )
    lines = done.stdout.splitlines()
    if done.status != 0 or not lines:
        said = done.error_text.splitlines()
        raise source.error(
            said[-1] if said else "docker image inspect failed",
            "run the build again: an audit removes the images that it made",
        )
    try:
        answer = decode(lines[0], _InspectAnswer)
    except msgspec.MsgspecError as error:
        raise source.error(f"docker image inspect is not understood: {error}") from None
    layers = tuple(answer.RootFS.Layers or ())
    if not all(map(_DIGEST.match, layers)):
        raise source.error("docker image inspect names layers that are no sha256 digests")
    return InspectedImage(answer.Id, layers, lines[-1].decode("ascii", "replace"))
