"""Read what an image on a host holds: digests are sent here, the files' bytes are not.

Layers whose digest is in the store are not read again. The rest is read where it is, by a small
program that the host's python3 runs; without one `tar` on the host picks out the layers that are
not known, or else all of it is streamed, and it is read here by the same modules. (POSIX tools
alone could hash files too, but not tell a link's target, an attribute or a name of two lines
exactly, and would need a process for each file.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.outputs import program
from cachetui.outputs.contents import (
    ImageContents,
    KeptConfig,
    Way,
    keep_config,
    kept_config,
    local_copies,
)
from cachetui.outputs.image_source import ImageSource, InspectedImage, inspect
from cachetui.outputs.intake import Bridge, Intake, Unpacker
from cachetui.outputs.layers import LayerMeta, add_copy, known
from cachetui.outputs.remote.copies import Copies
from cachetui.outputs.remote.feed import Unreadable
from cachetui.outputs.remote.saved import Part, framed_parts, parts, read_image
from cachetui.records.host_json import decode
from cachetui.store.database import Store


class _Archived(msgspec.Struct):
    Config: str
    Layers: list[str]


def gather_contents(
    machine: Machine,
    host: HostSettings,
    image: str,
    store: Store,
    *,
    cancel: Cancel | None = None,
    redact: Callable[[bytes], bytes] | None = None,
    way: Way | None = None,
    copy_to: str | None = None,
    base: Collection[str] = (),
) -> ImageContents:
    """What the image `image` (a tag or an id) on a host holds; its layers go into the store.

    `redact` takes secrets out of the configuration before it is kept. `way` forces how it is
    read. With `copy_to`, layers that are read and are none of `base` (digests) are copied, so that
    files can be opened when the image is gone: by our program into that folder of the host, and
    what is streamed here into the store (see `Copies`). Raises `HostError`: no such image, a
    damaged layer, a layer that is not what the image says it is, and all that `Machine` raises.
    """
    began = time.monotonic()
    source = ImageSource(machine, host, image, cancel, host.build_timeout)
    inspected = inspect(source)
    kept = kept_config(store, inspected.id)
    reading = _Reading(source, inspected, store, redact, copy_to, base)
    used: Way = "store"
    if kept is None or reading.needed():
        kept, used = reading.read(way)
    metas = (known(store, digest) for digest in inspected.layers)
    layers = tuple(meta for meta in metas if meta is not None)
    if len(layers) < len(inspected.layers):
        raise source.error("what was just kept of it cannot be read back from the store")
    return ImageContents(
        id=inspected.id,
        config_digest=kept.digest,
        config=kept.config,
        layers=layers,
        bytes=sum(layer.bytes for layer in layers),
        way=used,
        wire_bytes=reading.wire,
        seconds=time.monotonic() - began,
        copied_bytes=sum(layer.bytes for layer in layers if layer.digest in reading.copied),
    )


class _Reading:
    """Reads what is not known of one image."""

    def __init__(
        self,
        source: ImageSource,
        found: InspectedImage,
        store: Store,
        redact: Callable[[bytes], bytes] | None,
        copy_to: str | None,
        base: Collection[str],
    ) -> None:
        self.source, self.found, self.store = source, found, store
        self.copy_to, self.base = copy_to, set(base)
        self.copied: set[str] = set()
        self.redact = redact or (lambda text: text)
        self.config: KeptConfig | None = None
        self.wire = 0
        self.bad: dict[str, str] = {}
        self.said = ""

    @property
    def layers(self) -> list[str]:
        """The image's layers as hex."""
        return [digest.removeprefix("sha256:") for digest in self.found.layers]

    def metas(self) -> dict[str, LayerMeta]:
        """The layers that need not be read, by hex: known, and none whose lost copy is wanted."""
        metas = {layer: known(self.store, f"sha256:{layer}") for layer in self.layers}
        return {
            layer: meta
            for layer, meta in metas.items()
            if meta is not None
            and not (meta.copy_lost and self.copy_to and meta.digest not in self.base)
        }

    def needed(self) -> list[str]:
        """The layers that are to be read, as hex."""
        there = self.metas()
        return [layer for layer in self.layers if layer not in there]

    def read(self, way: Way | None) -> tuple[KeptConfig, Way]:
        """Read by one way after the other until all is there; the configuration, and how it was
        read at last. Raises `HostError`."""
        used: Way = "store"
        for used, skipping in self._ways(way):
            self._read(used, skipping)
            if self.config is not None and not self.needed():
                return self.config, used
        raise self._incomplete()

    def _ways(self, way: Way | None) -> Iterator[tuple[Way, bool]]:
        """How to read, and whether to skip what names say is known: a name may be wrong."""
        tool = self.found.tool
        skipping = bool(self.metas())
        if way in (None, "python") and tool == "python3":
            yield "python", skipping
            if skipping:
                yield "python", False
            if way == "python" or not any("zstd" in reason for reason in self.bad.values()):
                return
        if way == "tar" or (way is None and tool == "tar" and skipping):
            yield "tar", skipping
        if way in (None, "stream"):
            yield "stream", skipping
            if skipping:
                yield "stream", False

    def _read(self, way: Way, skipping: bool) -> None:
        known_now = self.metas()
        needed = [layer for layer in self.layers if layer not in known_now]
        skip = {name for meta in known_now.values() for name in meta.aliases} if skipping else set()
        with self.store.spool() as folder:
            try:
                if way == "python":
                    intake = self._by_program(folder, needed, skip)
                elif way == "tar":
                    intake = self._by_tar(folder, needed)
                else:
                    command = program.stream_command(self.source.save)
                    intake = self._here(folder, command, parts, needed, skip)
            except Unreadable as error:
                self.bad["docker save"] = str(error)
                return
        self.bad.update(intake.bad)
        if intake.config is not None:
            self._keep_config(*intake.config)

    def _by_program(self, folder: Path, needed: Sequence[str], skip: set[str]) -> Intake:
        """Our program on the host reads it there."""
        source = self.source
        copy = self._to_copy(needed)
        request = program.image_request(source.save, self.layers, needed, skip, copy, self.copy_to)
        intake = Intake(self.store, folder, needed)
        unpacker = Unpacker(intake.take)
        source.run_program(request, unpacker)
        self.wire += unpacker.wire_bytes
        self.copied |= {f"sha256:{layer}" for layer in intake.copied}
        for layer in self.copied:
            add_copy(self.store, layer, source.machine.name, self.copy_to or "")
        if intake.saved is None:
            said = unpacker.talk.decode("utf-8", "replace").strip().splitlines()
            raise Unreadable(f"our program ended early: {said[-1] if said else 'no word of why'}")
        status, words, reason = intake.saved
        if not intake.done and (status != 0 or reason):
            self.said = (words if status != 0 else "") or reason
        return intake

    def _by_tar(self, folder: Path, needed: Sequence[str]) -> Intake:
        """`tar` on the host picks the files of the layers that are needed; they are read here."""
        source = self.source
        done = source.machine.run(
            program.list_command(source.save), timeout=source.timeout, cancel=source.cancel
        )
        self.wire += len(done.stdout)
        names: list[str] = []
        with suppress(msgspec.MsgspecError):
            for archived in decode(done.stdout, list[_Archived]):
                if len(archived.Layers) == len(self.layers):
                    pairs = zip(archived.Layers, self.layers, strict=True)
                    names = [archived.Config, *(name for name, hex_ in pairs if hex_ in needed)]
                    break
        if not names or any(name.startswith("-") for name in names):
            raise Unreadable("what docker saves has no manifest.json for the image")
        command = program.pick_command(source.save, list(dict.fromkeys(names)))
        return self._here(folder, command, framed_parts, needed, set())

    def _here(
        self,
        folder: Path,
        command: str,
        split: Callable[[Iterator[bytes]], Iterable[Part]],
        needed: Sequence[str],
        skip: set[str],
    ) -> Intake:
        """What a command on the host prints is taken apart here."""
        source = self.source
        intake = Intake(self.store, folder, needed)
        copies = self._copies(needed)

        def read(blocks: Iterator[bytes]) -> None:
            try:
                for line in read_image(split(blocks), self.layers, needed, skip, copies):
                    intake.take(line)
            finally:
                if copies is not None:
                    copies.drop()

        bridge = Bridge(read)
        try:
            bridge.receive(
                lambda: source.machine.stream(
                    command, bridge.output, timeout=source.timeout, cancel=source.cancel
                )
            )
        finally:
            self.wire += bridge.wire_bytes
            _, failed, said = bridge.tail.rpartition(program.FAILED)
            if failed:
                self.said = said.decode("utf-8", "replace").partition(": ")[2]
        for layer in intake.copied:
            add_copy(self.store, f"sha256:{layer}", "", "")
        return intake

    def _to_copy(self, needed: Sequence[str]) -> list[str]:
        return [layer for layer in needed if f"sha256:{layer}" not in self.base]

    def _copies(self, needed: Sequence[str]) -> Copies | None:
        """Where copies of what is streamed go, if they are wanted and there can be any."""
        if self.copy_to is None:
            return None
        layers = self._to_copy(needed)
        others = set(self.layers) - set(layers)
        with suppress(OSError):
            folder = str(local_copies(self.store))
            return Copies(folder, layers, others, program.COPY_BYTES)
        return None

    def _keep_config(self, digest: str, data: bytes) -> None:
        """Check and keep the configuration, without what must not be kept."""
        try:
            config = decode(self.redact(data), dict)
        except msgspec.MsgspecError as error:
            self.bad["configuration"] = str(error)
            return
        self.config = KeptConfig(digest=f"sha256:{digest}", config=config)
        keep_config(self.store, self.found.id, self.config)

    def _incomplete(self) -> HostError:
        """Why not all of it could be read."""
        missing = self.needed()
        reasons = [f"{name[:12]}: {reason}" for name, reason in self.bad.items()]
        if self.said:
            reasons.insert(0, f"docker save: {' '.join(self.said.split())}")
        what = f"layer {missing[0][:12]}" if missing else "the configuration"
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        why = "; ".join(reasons[:5]) or "nothing with its digest was in what docker saved"
        remedy = ""
        if any("zstd" in reason for reason in self.bad.values()):
            remedy = "install zstd on the host or here"
        return self.source.error(f"{what}{more} could not be read ({why})", remedy)
