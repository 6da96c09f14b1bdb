"""The files of a layer as lines of text, a line an entry, and the digest of the layer itself.

Runs on hosts too: Python 3.6, standard library only. A line is UTF-8, its fields parted by tabs:

    path type mode uid gid size mtime sha256 link xattrs

`path` is relative, without `.` and empty parts ("" is the root). `type` is a character as in
`tarstream.Member.kind`, and of what a layer says of those below it (OCI image spec, layer.md):
`w` this path is removed, `o` what this folder held is. `mode` is octal, `size` decimal and empty
for what has no content, `mtime` seconds, `link` a link's target or a device's numbers, `xattrs`
`name=hex` with commas between, long values as `name=sha256:hex`. In path, link and names,
a backslash, control characters and bytes that are not UTF-8 are written `\\xNN`.
"""

import hashlib
import re
from typing import Callable, Dict, Iterator, List, Optional

from cachetui.outputs.remote.feed import Feed, Hashed, Piece, Unreadable, unpacked
from cachetui.outputs.remote.headers import Sparse
from cachetui.outputs.remote.tarstream import Member, Reader

MOST_ENTRIES = 5000000
"""Entries of one layer; a layer with more is refused."""

MOST_PATH = 65536
"""Bytes of a path or of a link's target."""

MOST_HOLES = 8 << 30
"""Bytes of holes in a layer's sparse files that are hashed as the zeros they stand for. Beyond,
a digest is of the map and the data, and begins with `sparse:`."""

WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"

_ZEROS = bytes(1 << 20)
_LONG_XATTR = 64
_SPECIAL = re.compile(rb"[\x00-\x1f\x7f\\]")
_SPECIAL_OR_HIGH = re.compile(rb"[\x00-\x1f\x7f-\xff\\]")
_UNCLEAN = re.compile(rb"\A\.?/|//|/\./|/\.?\Z|\A\.\Z")
_PARENT = re.compile(rb"(?:\A|/)\.\.(?:/|\Z)")


def escape(text: bytes) -> bytes:
    """`text` as a field of a line."""
    special = _SPECIAL
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        special = _SPECIAL_OR_HIGH
    if special.search(text) is None:
        return text
    return special.sub(lambda found: b"\\x%02x" % found.group()[0], text)


def plain(path: bytes) -> bytes:
    """A path without what says nothing: leading slashes, empty and `.` parts. `..` stays."""
    if _UNCLEAN.search(path) is None:
        return path
    return b"/".join(part for part in path.split(b"/") if part not in (b"", b"."))


class Layer:
    """A layer's tar as it is read: take its `lines`, then ask for the rest.

    `digest` is the sha256 of the tar, uncompressed, as hex; `size` its bytes; `entries` counts
    lines, `outside` those whose path or hard link leads out of the tree by `..`. `error` says
    where it cannot be read, and then its lines are not all. `also` is shown the tar as it comes.
    """

    def __init__(self, feed: Feed, also: Optional[Callable[[Piece], None]] = None) -> None:
        self.digest = ""
        self.size = self.entries = self.outside = 0
        self.error = ""
        self._feed = feed
        self._also = also
        self._holes = MOST_HOLES

    def lines(self) -> Iterator[bytes]:
        """A line an entry, in the tar's order; reads to the tar's end, also after an error."""
        at = b""
        hashed = Hashed(unpacked(self._feed), self._also)
        tar = Feed(hashed)
        try:
            reader = Reader(tar)
            for member in reader:
                at = member.path
                self.entries += 1
                if self.entries > MOST_ENTRIES:
                    raise Unreadable(f"more than {MOST_ENTRIES} entries")
                yield self._line(member, reader)
        except Unreadable as error:
            after = f" after {escape(at[:200]).decode()}" if at else ""
            self.error = f"{error}{after}"
        try:
            for _ in tar.rest():
                pass
        except Unreadable as error:
            self.error = self.error or str(error)
        self.digest = hashed.hexdigest()
        self.size = tar.offset

    def _line(self, member: Member, reader: Reader) -> bytes:
        if len(member.path) > MOST_PATH or len(member.link) > MOST_PATH:
            raise Unreadable(f"a path of more than {MOST_PATH} bytes")
        path = plain(member.path)
        if _PARENT.search(path):
            self.outside += 1
        folder, slash, name = path.rpartition(b"/")
        if name.startswith(WHITEOUT):
            if name == OPAQUE:
                return escape(folder) + b"\to"
            if len(name) > len(WHITEOUT) and not name.startswith(WHITEOUT * 2):
                return escape(folder + slash + name[len(WHITEOUT) :]) + b"\tw"
        size = digest = b""
        if member.kind in "f?":
            size, digest = b"%d" % member.size, self._content(member, reader)
        link = member.link
        if member.kind == "h":
            link = plain(link)
            self.outside += _PARENT.search(link) is not None
        return b"%s\t%s\t%o\t%d\t%d\t%s\t%s\t%s\t%s\t%s" % (
            *(escape(path), member.kind.encode(), member.mode, member.uid, member.gid),
            *(size, member.mtime.encode(), digest),
            escape(link) if link and member.kind in "hlcb" else b"",
            _xattrs(member.xattrs) if member.xattrs else b"",
        )

    def _content(self, member: Member, reader: Reader) -> bytes:
        """The sha256 of a file's content as hex."""
        hashed = hashlib.sha256()
        sparse = member.sparse
        if sparse is not None and sparse.holes > self._holes:
            hashed.update(repr((sparse.size, sparse.regions)).encode())
            for piece in reader.content():
                hashed.update(piece)
            return b"sparse:" + hashed.hexdigest().encode()
        for piece in self.pieces(member, reader):
            hashed.update(piece)
        return hashed.hexdigest().encode()

    def pieces(self, member: Member, reader: Reader) -> Iterator[Piece]:
        """The content of a file."""
        if member.sparse is None:
            return reader.content()
        self._holes -= member.sparse.holes
        return expanded(member.sparse, reader.content())


def expanded(sparse: Sparse, data: Iterator[Piece]) -> Iterator[Piece]:
    """A sparse file's content, zeros put in where nothing is stored."""
    stored = Feed(data)
    at = 0
    for offset, length in [*sparse.regions, (sparse.size, 0)]:
        while at < offset:
            hole = _ZEROS[: offset - at]
            at += len(hole)
            yield hole
        yield from stored.pieces(length)
        at += length


def _xattrs(found: Dict[bytes, bytes]) -> bytes:
    listed: List[bytes] = []
    for name, value in sorted(found.items()):
        shown = value.hex()
        if len(value) > _LONG_XATTR:
            shown = "sha256:" + hashlib.sha256(value).hexdigest()
        name = escape(name).replace(b",", b"\\x2c").replace(b"=", b"\\x3d")
        listed.append(name + b"=" + shown.encode())
    return b",".join(listed)
