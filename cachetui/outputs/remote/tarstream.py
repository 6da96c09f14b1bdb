"""A tar read as a stream, whoever made it, in bounded memory: names are told, nothing is written.

Runs on hosts too: Python 3.6, standard library only. Why not `tarfile`: it reads an extended
header of any size into memory (a pax header may claim gigabytes), keeps every member it has seen,
takes a damaged header in the middle for the end, and needs five times as long for a member.

Formats: old, ustar, pax and GNU, the sparse files of the last two (POSIX.1-2001 pax; GNU tar's
manual, "Tar Internals"). As for Go's archive/tar, which engines read layers with, header-only
types have no data whatever size they claim, and two blocks of zeros end the archive.
"""

import zlib
from typing import Dict, Iterator, List, Optional

from cachetui.outputs.remote.feed import Feed, Piece, Unreadable
from cachetui.outputs.remote.headers import MOST_HEADER, Sparse, number, parse_records, xattrs_of

_ZERO = bytes(512)
_HEADER_ONLY = b"123456"
_KINDS = dict(zip(b"0\x007S123456", "ffffhlcbdp"))
_MOST_SIZE = 1 << 62


class Member:
    """A member. `kind` is one character: f(ile), d(irectory), l(ink, symbolic), h(ard link),
    c(haracter) or b(lock device), p(ipe), or ? for what no rule knows.

    `path` and `link` are as written (a device's `link` is "major,minor"), `mode` is without the
    file type's bits, `mtime` a decimal number as text, `size` that of the content, of which
    `stored` bytes are in the tar: fewer when it is `sparse`.
    """

    __slots__ = (
        *("path", "kind", "mode", "uid", "gid", "size", "mtime", "link", "xattrs"),
        *("stored", "sparse"),
    )

    def __init__(self) -> None:
        self.path = b""
        self.kind = "?"
        self.mode = self.uid = self.gid = self.size = self.stored = 0
        self.mtime = "0"
        self.link = b""
        self.xattrs: Dict[bytes, bytes] = {}
        self.sparse: Optional[Sparse] = None


class Reader:
    """Iterates over the members of a tar. Raises Unreadable where it is damaged.

    Between two members, `content` gives the data of the first as it is stored; what of it is
    not taken is skipped.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._next = feed.offset
        self._global: Dict[bytes, bytes] = {}
        self._stored = 0

    def __iter__(self) -> Iterator[Member]:
        while True:
            member = self._member()
            if member is None:
                return
            self._stored = member.stored
            yield member

    def content(self) -> Iterator[Piece]:
        """The data of the member at hand, as stored. To be taken once."""
        return self._feed.pieces(self._stored)

    def _member(self) -> Optional[Member]:
        """The next member with the headers that stand before it, None at the end."""
        extended: Dict[bytes, bytes] = {}
        regions: List[int] = []
        while True:
            block = self._header()
            if block is None:
                return None
            flag = block[156:157]
            size = number(block[124:136], "size")
            if flag in (b"x", b"X"):
                extended.update(parse_records(self._small(size), regions))
            elif flag == b"g":
                self._global.update(parse_records(self._small(size), []))
                if sum(map(len, self._global.values())) > MOST_HEADER:
                    raise Unreadable(f"its global headers are larger than {MOST_HEADER} bytes")
            elif flag in (b"L", b"K"):
                key = b"path" if flag == b"L" else b"linkpath"
                extended[key] = self._small(size).split(b"\0", 1)[0]
            else:
                if self._global:
                    extended = {**self._global, **extended}
                return self._made(block, size, extended, regions)

    def _header(self) -> Optional[bytes]:
        """The next block of 512 bytes with a right checksum, None at the end of the archive."""
        feed = self._feed
        ahead = self._next - feed.offset
        if ahead > 0:
            for _ in feed.pieces(ahead):
                pass
        block = feed.take(512)
        if not block or block == _ZERO:
            second = feed.take(512)
            if second and second != _ZERO:
                raise Unreadable(f"a lone block of zeros at byte {feed.offset - 1024}")
            return None
        if len(block) < 512 or not _sums_up(block):
            raise Unreadable(f"a damaged header at byte {feed.offset - len(block)}")
        self._next = feed.offset
        return block

    def _small(self, size: int) -> bytes:
        """The data of an extended header, which stands before the member that it is for."""
        if not 0 <= size <= MOST_HEADER:
            raise Unreadable(f"an extended header of {size} bytes (at most {MOST_HEADER})")
        data = self._feed.take(size)
        if len(data) < size:
            raise Unreadable("it ends within an extended header")
        self._next = self._feed.offset + -size % 512
        return data

    def _made(
        self, block: bytes, size: int, extended: Dict[bytes, bytes], regions: List[int]
    ) -> Member:
        """The member that a header and what stood before it describe."""
        flag = block[156]
        member = Member()
        member.path = block[:100].split(b"\0", 1)[0]
        member.link = block[157:257].split(b"\0", 1)[0]
        if block[257:263] == b"ustar\0" and block[345]:
            member.path = block[345:500].split(b"\0", 1)[0] + b"/" + member.path
        member.kind = _KINDS.get(flag, "?")
        member.mode = number(block[100:108], "mode") & 0o7777
        member.uid = number(block[108:116], "owner")
        member.gid = number(block[116:124], "group")
        member.mtime = str(number(block[136:148], "time"))
        if extended:
            size = _extend(member, extended, size)
        if flag == 0 and member.path.endswith(b"/"):
            member.kind = "d"  # as tars older than POSIX write it
        if flag in _HEADER_ONLY:
            size = 0
        if not 0 <= size <= _MOST_SIZE:
            raise Unreadable(f"a member that claims {size} bytes")
        if member.kind in "cb":
            device = (number(block[329:337], "device"), number(block[337:345], "device"))
            member.link = b"%d,%d" % device
        member.size = member.stored = size
        self._next = self._feed.offset + size + -size % 512
        if flag == 83 or b"GNU.sparse.realsize" in extended or b"GNU.sparse.size" in extended:
            self._sparse(member, block, extended, regions)
        return member

    def _sparse(
        self, member: Member, block: bytes, extended: Dict[bytes, bytes], regions: List[int]
    ) -> None:
        """Read the map of a sparse file, which may stand before its data."""
        feed, start = self._feed, self._feed.offset
        if block[156] == 83:
            sparse = Sparse.of_gnu(block, feed)
            self._next += feed.offset - start
        else:
            member.path = extended.get(b"GNU.sparse.name", member.path)
            sparse = Sparse.of_pax(extended, regions, feed, member.stored)
            member.stored -= feed.offset - start
        sparse.check(member.stored)
        member.sparse, member.size = sparse, sparse.size


def _sums_up(block: bytes) -> bool:
    """Whether a header's checksum is right.

    It is the sum of all bytes, its own eight counted as spaces. Adler-32's low half is the sum
    of bytes plus one, modulo 65521, and far faster than adding; some old tars add signed bytes.
    """
    own = block[148:156]
    stored = number(own, "checksum")
    total = (zlib.adler32(block) & 0xFFFF) - 1 - sum(own) + 256
    if (total - stored) % 65521 == 0:
        return True
    plain = block[:148] + b" " * 8 + block[156:]
    return sum(plain) - 256 * sum(byte > 127 for byte in plain) == stored


def _extend(member: Member, extended: Dict[bytes, bytes], size: int) -> int:
    """Put extended headers over what the header itself says; returns the size."""
    get = extended.get
    member.path = get(b"path", member.path)
    member.link = get(b"linkpath", member.link)
    try:
        member.uid = int(get(b"uid", member.uid))
        member.gid = int(get(b"gid", member.gid))
        size = int(get(b"size", size))
    except ValueError:
        raise Unreadable("an extended header with an owner or size that is no number") from None
    if b"mtime" in extended:
        member.mtime = _time(extended[b"mtime"])
    member.xattrs = xattrs_of(extended)
    return size


def _time(value: bytes) -> str:
    """A decimal number of seconds, without zeros that say nothing."""
    whole, dot, part = value.decode("ascii", "replace").partition(".")
    digits = whole[1:] if whole.startswith("-") else whole
    if not digits.isdigit() or (dot and part and not part.isdigit()):
        raise Unreadable("an extended header with a time that is no number")
    part = part[:9].rstrip("0")
    return f"{int(whole)}.{part}" if part else str(int(whole))
