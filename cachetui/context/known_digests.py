"""Digests of files that were read before, for files of which nothing says that they have changed.

A file is the one that was read when its folder says the same of it: device, inode, size, time of
content (mtime) and time of change (ctime), which no program sets. It could be changed again within
one tick of the clock that gives these times, as git says of its index ("racily clean",
gitformat-index); so none is noted before it has rested for `REST_NS`, which covers ticks of 2 s and
a file server whose clock is some seconds behind.
"""

from __future__ import annotations

import os
import time
import zlib

import msgspec

REST_NS = 10_000_000_000


class _Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    sha256: bytes


class KnownDigests:
    """The digests that an earlier reading noted in `data`, and those of this one, which begins now.
    `read` is how many bytes had to be read, `files` how many files were asked for."""

    def __init__(self, data: bytes = b"") -> None:
        self._before = _decoded(data)
        self._now: dict[str, _Known] = {}
        self._rested = time.time_ns() - REST_NS
        self.read = self.files = 0

    def find(self, path: str, status: os.stat_result) -> str | None:
        """The SHA-256 (hex) of the file there, None when it has to be read."""
        self.files += 1
        known = self._before.get(path)
        if (
            known is None
            or known.ctime_ns != status.st_ctime_ns
            or known.mtime_ns != status.st_mtime_ns
            or known.inode != status.st_ino
            or known.size != status.st_size
            or known.device != status.st_dev
        ):
            self.read += status.st_size
            return None
        self._now[path] = known
        return known.sha256.hex()

    def note(self, path: str, status: os.stat_result, sha256: str) -> None:
        """What was read there; `status` is what its folder said before."""
        if max(status.st_mtime_ns, status.st_ctime_ns) >= self._rested:
            return
        try:
            path.encode()
        except UnicodeEncodeError:  # a name that is no UTF-8: read each time
            return
        self._now[path] = _Known(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            bytes.fromhex(sha256),
        )

    def data(self) -> bytes | None:
        """What the next reading begins with; None where it is what this one began with."""
        if self._now == self._before:
            return None
        body = msgspec.msgpack.encode(self._now)
        return zlib.crc32(body).to_bytes(4, "big") + body


def _decoded(data: bytes) -> dict[str, _Known]:
    """What was noted; nothing where that is damaged."""
    body = data[4:]
    if zlib.crc32(body).to_bytes(4, "big") != data[:4]:
        return {}
    try:
        return msgspec.msgpack.decode(body, type=dict[str, _Known])
    except msgspec.MsgspecError:
        return {}
