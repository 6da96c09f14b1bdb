"""A build context as a tar, streamed: what is sent must be what the manifest says."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path

from cachetui.context.manifest import ContextError, Entry

_BLOCK = 1024 * 1024

_TYPES = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def tar_member(entry: Entry, source: Path) -> Iterator[bytes]:
    """The blocks of one member of a GNU tar: its header, and a file's content with padding.

    Raises `ContextError` for a file that cannot be read or is no longer what `entry` says.
    """
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.mode = entry.mode
    info.linkname = entry.target or ""
    info.size = entry.size
    try:
        info.mtime = int(source.lstat().st_mtime)
        yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        if entry.kind == "file":
            yield from _content(entry, source)
    except OSError as error:
        raise ContextError(f"cannot read {source}: {error.strerror}") from None


def _content(entry: Entry, source: Path) -> Iterator[bytes]:
    left = entry.size
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
            yield block
        if left or file.read(1) or digest.hexdigest() != entry.sha256:
            raise ContextError(
                f"{source} changed while it was being sent; run again when nothing writes to it"
            )
    yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
