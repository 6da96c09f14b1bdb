"""What is in a file that holds others: archives, compressed files, .pyc, as the standard library
reads them, so that "only the embedded build time differs" can be told.

Works on bytes in memory, which the caller bounds; what they unpack to is bounded here.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import lzma
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetui.outputs.merge import DIGEST, GID, LINK, MODE, MTIME, PATH, SIZE, TYPE, UID
from cachetui.outputs.remote.entries import Layer, escape
from cachetui.outputs.remote.feed import GZIP_MAGIC, Feed

MAX_UNPACKED = 64 << 20
"""Bytes that a file may unpack to, to be looked into."""

_ERRORS = (
    *(ValueError, LookupError, OverflowError, EOFError, OSError, RuntimeError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


class TooMuch(ValueError):
    """A file unpacks to more than is looked at."""


@dataclass(frozen=True)
class Part:
    """A member: when it is dated, what else is told of it, and a digest of its content."""

    time: str
    about: str
    digest: str


@dataclass(frozen=True)
class Listing:
    """A file taken apart. `kind` names the format; `times` and `header` are what stands before the
    members; `parts` are those by name, in order."""

    kind: str
    times: dict[str, str] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)


def listing(data: bytes) -> Listing | None:
    """What is in a file, told by its first bytes; None when it is no container that can be read."""
    for magic, read in _READERS:
        if data.startswith(magic):
            try:
                return read(data)
            except _ERRORS:
                return None
    if data[257:262] == b"ustar":
        return _tar(data)
    if _is_pyc(data):
        return _pyc(data)
    return None


def _gzip(data: bytes) -> Listing:
    """RFC 1952: the time and the name of what was packed stand in the header."""
    flags, when = data[3], struct.unpack("<I", data[4:8])[0]
    header = {"flags": f"{flags:#x}", "level and system": data[8:10].hex()}
    if flags & 0x08 and not flags & 0x04:
        header["name"] = escape(data[10 : data.index(b"\0", 10)]).decode()
    packed = zlib.decompressobj(31)
    content = _bounded(packed.decompress(data, MAX_UNPACKED + 1))
    return _packed("gzip", {"time": _moment(when) if when else "none"}, header, content)


def _bz2(data: bytes) -> Listing:
    content = bz2.BZ2Decompressor().decompress(data, MAX_UNPACKED + 1)
    return _packed("bzip2", {}, {}, _bounded(content))


def _xz(data: bytes) -> Listing:
    packed = lzma.LZMADecompressor(memlimit=256 << 20)
    return _packed("xz", {}, {}, _bounded(packed.decompress(data, MAX_UNPACKED + 1)))


def _packed(kind: str, times: dict[str, str], header: dict[str, str], content: bytes) -> Listing:
    """A compressed file: the members of the tar that is in it, or what it is as one."""
    inner = _tar(content) if content[257:262] == b"ustar" else None
    if inner is not None:
        return Listing(f"tar in {kind}", times, header, inner.parts)
    return Listing(
        kind, times, header, {"content": Part("", f"{len(content)} bytes", _sha(content))}
    )


def _tar(data: bytes) -> Listing | None:
    layer = Layer(Feed([data]))
    parts: dict[str, Part] = {}
    for line in layer.lines():
        fields = [one.decode("utf-8", "replace") for one in line.split(b"\t")]
        if len(fields) == 10:
            about = " ".join(fields[i] for i in (TYPE, MODE, UID, GID, SIZE, LINK) if fields[i])
            parts[fields[PATH] or "."] = Part(_moment(fields[MTIME]), about, fields[DIGEST])
    return None if layer.error else Listing("tar", parts=parts)


def _zip(data: bytes) -> Listing:
    """Zip, and what is built on it: .jar, .whl, .war, .docx."""
    parts: dict[str, Part] = {}
    left = MAX_UNPACKED
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for one in archive.infolist():
            when = "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*one.date_time)
            about = (
                f"{one.file_size} bytes, mode {one.external_attr >> 16:o}, by {one.compress_type}"
            )
            digest = f"crc32:{one.CRC:08x}"
            if one.file_size <= left and not one.flag_bits & 1:
                with archive.open(one) as member:
                    content = member.read(one.file_size + 1)
                left -= len(content)
                digest = _sha(content)
            parts[one.filename] = Part(when, about, digest)
        comment = archive.comment.decode("utf-8", "replace")
    return Listing("zip", header={"comment": comment} if comment else {}, parts=parts)


def _ar(data: bytes) -> Listing:
    """Static libraries and .deb: members behind headers of 60 bytes."""
    parts: dict[str, Part] = {}
    at = 8
    while at + 60 <= len(data):
        head = data[at : at + 60].decode("ascii")
        if head[58:] != "`\n":
            raise ValueError("damaged")
        size = int(head[48:58])
        content = data[at + 60 : at + 60 + size]
        if size < 0 or len(content) < size:
            raise ValueError("cut short")
        about = f"{size} bytes, owner {head[28:40].strip()}, mode {head[40:48].strip()}"
        name = head[:16].rstrip()
        while name in parts:
            name += "'"
        parts[name] = Part(_moment(head[16:28].strip() or 0), about, _sha(content))
        at += 60 + size + size % 2
    return Listing("ar", parts=parts)


def _is_pyc(data: bytes) -> bool:
    """CPython since 3.7: a magic number ending in CR LF, flags 0, 1 or 3 (PEP 552)."""
    return len(data) > 16 and data[2:4] == b"\r\n" and data[4:8] in _PYC_FLAGS


_PYC_FLAGS = (b"\0\0\0\0", b"\1\0\0\0", b"\3\0\0\0")


def _pyc(data: bytes) -> Listing:
    """Compiled Python: the source's time and size, or its hash, stand before the code."""
    header = {"magic": data[:2].hex(), "flags": data[4:8].hex()}
    times: dict[str, str] = {}
    if data[4] & 1:
        header["source's hash"] = data[8:16].hex()
    else:
        when, size = struct.unpack("<II", data[8:16])
        times["source's time"] = _moment(when)
        header["source's size"] = str(size)
    return Listing("pyc", times, header, {"code": Part("", "", _sha(data[16:]))})


def _moment(seconds: str | int) -> str:
    """A time since the epoch (UTC), with its fraction where it has one; what is beyond all
    calendars as it is."""
    whole, _, part = str(seconds).partition(".")
    try:
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(whole)))
    except (ValueError, OverflowError, OSError):
        return str(seconds)
    return f"{shown}.{part}" if part else shown


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_UNPACKED:
        raise TooMuch
    return content


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


_READERS: tuple[tuple[bytes, Callable[[bytes], Listing]], ...] = (
    (GZIP_MAGIC, _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\0", _xz),
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", _zip),
    (b"!<arch>\n", _ar),
)
