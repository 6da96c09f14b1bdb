"""Get a file out of an image on a host, when someone opens it: that file, and no more of it than
asked for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, Machine
from cachetui.outputs import program
from cachetui.outputs.difference import Entry
from cachetui.outputs.filediff import Fetched
from cachetui.outputs.image_source import ASK_SECONDS, ImageSource, inspect
from cachetui.outputs.intake import Bridge, Unpacker
from cachetui.outputs.layers import known
from cachetui.outputs.remote.feed import BLOCK, Unreadable
from cachetui.outputs.remote.saved import MARK, parts, read_files
from cachetui.store.database import Store

LIMIT = 4 << 20
"""Bytes of a file that are fetched unless told otherwise."""

_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def raw_path(path: str) -> bytes:
    """A path of a `PathDifference` or an `Entry` as the bytes that it stands for."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), path.encode())


def fetch_file(
    machine: Machine,
    host: HostSettings,
    image: str,
    store: Store,
    path: str,
    entry: Entry,
    *,
    limit: int = LIMIT,
    cancel: Cancel | None = None,
) -> Fetched:
    """The content of a file as it is in the layer that `entry` names; `path` is how the
    comparison writes it. For what has no content (a folder, a link) that is nothing.

    Raises `HostError`: the image is gone, or has no such file; and all that `Machine` raises.
    """
    source = ImageSource(machine, host, image, cancel, host.build_timeout)
    if entry.size is None:
        return Fetched(size=0, data=b"")
    inspected = inspect(source)
    if entry.layer not in inspected.layers:
        raise source.error(f"it has no layer {entry.layer.removeprefix('sha256:')[:12]} any more")
    others = (known(store, layer) for layer in inspected.layers if layer != entry.layer)
    skip = {alias for meta in others if meta is not None for alias in meta.aliases}
    asked = _Asked(source, source.save, path, entry, skip, limit)
    return asked.read(by_program=inspected.tool == "python3")


def fetch_from_copy(
    machine: Machine,
    host: HostSettings,
    folder: str,
    path: str,
    entry: Entry,
    *,
    limit: int = LIMIT,
    cancel: Cancel | None = None,
) -> Fetched | None:
    """The same out of the layer's copy in a folder of the host (`LayerMeta.copies`); None when
    there is no copy any more."""
    source = ImageSource(
        machine, host, f"(copy of a layer in {folder})", cancel, host.build_timeout
    )
    if entry.size is None:
        return Fetched(size=0, data=b"")
    layer = entry.layer.removeprefix("sha256:")
    ask = f"test -r {shlex.quote(f'{folder}/{layer}.tar')} || exit 3; {program.ASK_PYTHON}"
    status = machine.run(ask, timeout=ASK_SECONDS, cancel=cancel).status
    if status == 3:
        return None
    asked = _Asked(source, program.copy_command(folder, layer), path, entry, set(), limit)
    return asked.read(by_program=status == 0)


def fetch_here(folder: Path, path: str, entry: Entry, *, limit: int = LIMIT) -> Fetched | None:
    """The same out of a layer's copy in a folder of ours; None when there is none, or it is not
    the layer that it should be."""
    layer = entry.layer.removeprefix("sha256:")
    files: list[Fetched] = []
    try:
        with (folder / f"{layer}.tar").open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            blocks = iter(lambda: file.read(BLOCK), b"")
            names = [raw_path(entry.stored_as or path)]
            for line in read_files([(b"layer", size, blocks)], layer, names, set(), limit):
                files += _file_of(line)
    except (OSError, Unreadable):
        return None
    return files[0] if files else None


def _file_of(line: bytes) -> list[Fetched]:
    """The file that a line of `read_files` brings, if it is one that does. Raises Unreadable."""
    word, *fields = line.removeprefix(MARK).decode("utf-8", "replace").split("\t")
    try:
        if word == "file":
            data = base64.b64decode(fields[2], validate=True)
            return [Fetched(size=int(fields[1]), data=data)]
    except (ValueError, IndexError, binascii.Error) as error:
        raise Unreadable(f"an answer that is not understood ({error})") from None
    return []


def _check(source: ImageSource, path: str, entry: Entry, fetched: Fetched) -> None:
    """Raise `HostError` unless what came whole is what was compared."""
    if fetched.complete and entry.sha256 != hashlib.sha256(fetched.data).hexdigest():
        raise source.error(f"{path} is not what it was when the images were compared")


class _Asked:
    """A file of a layer, in the archive that the command `save` prints."""

    def __init__(
        self, source: ImageSource, save: str, path: str, entry: Entry, skip: set[str], limit: int
    ) -> None:
        self.source, self.save = source, save
        self.path, self.entry = path, entry
        self.name = raw_path(entry.stored_as or path)
        self.layer = entry.layer.removeprefix("sha256:")
        self.skip, self.limit = skip, limit
        self.fetched: Fetched | None = None
        self.trouble = ""

    def read(self, *, by_program: bool) -> Fetched:
        """By our program on the host, or else here. Raises `HostError`."""
        ways = [self.by_program, self.here] if by_program else [self.here]
        for way in ways:
            try:
                way()
            except Unreadable as error:
                self.trouble = str(error)
            if self.fetched is not None:
                _check(self.source, self.path, self.entry, self.fetched)
                return self.fetched
        why = self.trouble or "it is not in its layer"
        raise self.source.error(f"{self.path} could not be read ({why})")

    def by_program(self) -> None:
        """Read it on the host."""
        request = program.files_request(self.save, self.layer, [self.name], self.skip, self.limit)
        self.source.run_program(request, Unpacker(self._take))

    def here(self) -> None:
        """Stream the image here."""
        source = self.source

        def read(blocks: Iterator[bytes]) -> None:
            for line in read_files(parts(blocks), self.layer, [self.name], self.skip, self.limit):
                self._take(line)

        bridge = Bridge(read)
        command = program.stream_command(self.save)
        bridge.receive(
            lambda: source.machine.stream(
                command, bridge.output, timeout=source.timeout, cancel=source.cancel
            )
        )

    def _take(self, line: bytes) -> None:
        for fetched in _file_of(line):
            self.fetched = fetched
        if line.startswith(MARK + b"saved\t"):
            self.trouble = line.decode("utf-8", "replace").split("\t")[-1] or self.trouble
