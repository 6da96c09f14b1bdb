"""A layer's entries on their way into the store and out of it: sorted, one a path, by digest.

Lines are those of `remote.entries`. In the store they are in the order of a walk: a folder right
before what is in it, which no order of plain paths is ("a", "a-b", "a/c"). So images of any
size are compared by reading their layers side by side, and memory stays that of a few lines.
"""

from __future__ import annotations

import heapq
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from cachetui.records.base import Record
from cachetui.records.from_json import from_json

if TYPE_CHECKING:
    from cachetui.store.database import Store

CHUNK = 50_000
"""Lines that are sorted in memory, about 10 MB; more are sorted in files and merged."""

MOST_HARD_LINKS = 200_000
"""Hard links of a layer that are followed; those of a layer with more are kept as they are."""

_VERSION = 1
_BLOCK = 1 << 16
_FOLDER_FIRST = bytes.maketrans(b"/", b"\x0b")
_TYPE, _LINK = 1, 8


class LayerError(Exception):
    """A layer whose entries are not in the store, or damaged there."""


class LayerMeta(Record, frozen=True, kw_only=True):
    """A layer that is known. `digest` is that of its uncompressed tar (`sha256:…`), `bytes` the
    tar's size, `entries` how many paths it has. `duplicates` counts entries that a later one of
    the same path replaced, `outside` those that point out of the tree by `..`. `aliases` are
    names under which engines save it (see `remote.saved.alias`). `copies` are (host, folder there)
    where its tar was copied, for files to be opened when the image is gone; ("", "") is the store's
    own folder. `copy_lost` says that someone wanted a file of it and no copy was left: who keeps
    copies reads it again."""

    digest: str
    bytes: int
    entries: int
    duplicates: int = 0
    outside: int = 0
    aliases: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    copy_lost: bool = False


def key(line: bytes) -> bytes:
    """What lines are sorted by: the path, a slash before any other character."""
    return line.split(b"\t", 1)[0].translate(_FOLDER_FIRST)


def known(store: Store, digest: str) -> LayerMeta | None:
    """What is kept of a layer, None when nothing is or what is kept is damaged."""
    data = store.blob(f"layer-meta:{_VERSION}:{digest}")
    if data is None:
        return None
    with data:
        try:
            return from_json(data.read(), LayerMeta)
        except msgspec.MsgspecError:
            return None


def lines_of(store: Store, digest: str) -> Iterator[bytes]:
    """A layer's lines, sorted. Raises LayerError when they are not there or damaged."""
    data = store.blob(f"layer:{_VERSION}:{digest}")
    if data is None:
        raise LayerError(f"the files of layer {digest} are not in the store")
    packed, rest = zlib.decompressobj(), b""
    with data:
        try:
            while block := data.read(_BLOCK):
                *lines, rest = (rest + packed.decompress(block)).split(b"\n")
                yield from lines
        except (zlib.error, OSError) as error:
            raise LayerError(f"the files of layer {digest} are damaged: {error}") from None
    if not packed.eof:
        raise LayerError(f"the files of layer {digest} are damaged: they end too early")


def add_alias(store: Store, meta: LayerMeta, alias: str) -> None:
    """Remember a name under which an engine saves a known layer."""
    if alias not in meta.aliases:
        aliases = (*meta.aliases, alias)[-32:]
        _keep_meta(store, msgspec.structs.replace(meta, aliases=aliases))


def add_copy(store: Store, digest: str, host: str, folder: str) -> None:
    """Remember where a copy of a known layer is."""
    meta = known(store, digest)
    if meta is not None and (host, folder) not in meta.copies:
        copies = ((host, folder), *meta.copies)[:32]
        _keep_meta(store, msgspec.structs.replace(meta, copies=copies, copy_lost=False))


def lose_copy(store: Store, digest: str, host: str | None = None, folder: str = "") -> None:
    """Remember that a copy of a known layer is gone; without a host, that none was found."""
    meta = known(store, digest)
    if meta is not None:
        copies = tuple(one for one in meta.copies if host is not None and one != (host, folder))
        lost = meta.copy_lost or host is None
        _keep_meta(store, msgspec.structs.replace(meta, copies=copies, copy_lost=lost))


def _keep_meta(store: Store, meta: LayerMeta) -> None:
    store.keep_blob(f"layer-meta:{_VERSION}:{meta.digest}", msgspec.json.encode(meta))


class LayerWriter:
    """Takes a layer's lines in the tar's order, and keeps them when they are whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: list[bytes] = []
        self._sorted: list[IO[bytes]] = []
        self._links: dict[bytes, bytes] | None = {}

    def add(self, line: bytes) -> None:
        """An entry's line."""
        self._lines.append(line)
        if self._links or b"\th\t" in line:
            self._link(line)
        if len(self._lines) >= CHUNK:
            self._spill()

    def drop(self) -> None:
        """Forget it all: the layer is known, or cannot be read."""
        for file in self._sorted:
            file.close()
        self._lines, self._sorted, self._links = [], [], {}

    def keep(self, store: Store, meta: LayerMeta) -> LayerMeta:
        """Put the lines into the store; returns what was given with the figures filled in."""
        target = self._folder / "layer"
        packed = zlib.compressobj(5)
        entries = duplicates = 0
        with target.open("wb") as file:
            for line, replaced in _unique(self._ordered()):
                entries += 1
                duplicates += replaced
                file.write(packed.compress(line + b"\n"))
            file.write(packed.flush())
        self.drop()
        meta = msgspec.structs.replace(meta, entries=entries, duplicates=duplicates)
        store.keep_blob(f"layer:{_VERSION}:{meta.digest}", target)
        _keep_meta(store, meta)
        target.unlink()
        return meta

    def _link(self, line: bytes) -> None:
        """Follow which paths are hard links; an entry that comes later replaces one."""
        if self._links is None:
            return
        fields = line.split(b"\t")
        self._links.pop(fields[0], None)
        if fields[_TYPE] == b"h":
            self._links[fields[0]] = fields[_LINK]
            if len(self._links) > MOST_HARD_LINKS:
                self._links = None

    def _spill(self) -> None:
        self._lines.sort(key=key)
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (`drop` closes it)
        file.write(b"\n".join(self._lines) + b"\n")
        self._sorted.append(file)
        self._lines = []

    def _ordered(self) -> Iterator[bytes]:
        """All lines sorted, those of one path in the tar's order, hard links followed."""
        if not self._links:
            return self._merged()
        groups = _groups(self._links)
        return _followed(self._merged, groups)

    def _merged(self) -> Iterator[bytes]:
        self._lines.sort(key=key)
        for file in self._sorted:
            file.seek(0)
        chunks = [(line.rstrip(b"\n") for line in file) for file in self._sorted]
        return heapq.merge(*chunks, self._lines, key=key)


def _unique(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """One line a path, the last, and how many it replaced; whiteouts (types w and o) and what
    is there are two things, and both stay."""
    at: bytes | None = None
    last: dict[bytes, bytes] = {}
    count = 0
    for line in lines:
        path, kind = line.split(b"\t", 2)[:2]
        if path != at:
            yield from _last(last, count)
            at, last, count = path, {}, 0
        last[kind if kind in b"wo" else b"entry"] = line
        count += 1
    yield from _last(last, count)


def _last(last: dict[bytes, bytes], count: int) -> Iterator[tuple[bytes, int]]:
    replaced = count - len(last)
    for line in last.values():
        yield line, replaced
        replaced = 0


def _groups(links: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Every path that is a hard link, or the target of one, to the target at the chain's end."""
    groups: dict[bytes, bytes] = {}
    for path in links:
        target, steps = path, 0
        while target in links and steps < 40:
            target, steps = links[target], steps + 1
        if target not in links:
            groups[path] = groups[target] = target
    return groups


def _followed(merged: Callable[[], Iterator[bytes]], groups: dict[bytes, bytes]) -> Iterator[bytes]:
    """The lines with hard links written alike, whichever of its names a file was stored under.

    The first name in order becomes the file; the other names become links to it, and say what
    they hold as a file does. A last field says under which name the tar has the bytes, if it is
    another one.
    """
    files: dict[bytes, list[bytes]] = {}
    first: dict[bytes, bytes] = {}
    for line in merged():
        fields = line.split(b"\t")
        root = groups.get(fields[0])
        if root is not None and len(fields) > _TYPE + 1:
            if fields[0] == root and fields[_TYPE] == b"f":
                files[root] = fields
            first.setdefault(root, fields[0])
    for line in merged():
        fields = line.split(b"\t", 2)
        root = groups.get(fields[0])
        file = files.get(root) if root is not None else None
        if root is None or file is None or fields[_TYPE] not in b"fh":
            yield line
            continue
        made = [fields[0], *file[1:], *([root] if fields[0] != root else [])]
        if fields[0] != first[root]:
            made[_TYPE], made[_LINK] = b"h", first[root]
        yield b"\t".join(made)
