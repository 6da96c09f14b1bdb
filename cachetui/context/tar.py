"""A build context as a tar, streamed: what is sent must be what the manifest says."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator

from cachetui.context.manifest import ContextError, Entry, Source

_BLOCK = 1024 * 1024

_TYPES = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def tar_member(entry: Entry, source: Source) -> Iterator[bytes]:
    """The blocks of one member of a tar: its headers, and a file's content with padding.

    The time is in whole seconds in the GNU header, and with its nanoseconds in a pax header
    before it, which a tar that knows none skips (busybox).

    Raises `ContextError` for a file that cannot be read or is no longer what `entry` says.
    """
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.mode = entry.mode
    info.linkname = entry.target or ""
    info.size = entry.size
    if isinstance(source, bytes):
        yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        yield source + b"\0" * (-entry.size % tarfile.BLOCKSIZE)
        return
    try:
        info.mtime, fraction = divmod(os.lstat(source).st_mtime_ns, 1_000_000_000)
        if fraction and info.mtime >= 0:
            yield _pax_header(f"{info.mtime}.{fraction:09d}")
        yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        if entry.kind == "file":
            yield from _content(entry, source)
    except OSError as error:
        raise ContextError(f"cannot read {source}: {error.strerror}") from None


def _pax_header(mtime: str) -> bytes:
    """A pax extended header that gives the next member this time (POSIX, `pax`)."""
    record = f" mtime={mtime}\n"
    size = len(record) + 2  # its own two digits: a time has 1 to 12 before its point, 9 behind it
    data = f"{size}{record}".encode("ascii")
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)


def _content(entry: Entry, source: str) -> Iterator[bytes]:
    left = entry.size
    digest = hashlib.sha256()
    with open(source, "rb") as file:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
            yield block
        if left or file.read(1) or digest.hexdigest() != entry.sha256:
            raise ContextError(
                f"{source} changed while it was being sent; run again when nothing writes to it"
            )
    yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
