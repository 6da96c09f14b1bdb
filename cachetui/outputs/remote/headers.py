"""The fields of tar headers: numbers, pax records, extended attributes, maps of sparse files.

Runs on hosts too: Python 3.6, standard library only. All sizes are bounded before they are read.
"""

import base64
import binascii
from typing import Dict, List, Optional, Tuple
from urllib.parse import unquote_to_bytes

from cachetui.outputs.remote.feed import Feed, Unreadable

MOST_HEADER = 1 << 20
"""Bytes of one extended header; a larger one is refused."""

MOST_REGIONS = 65536
"""Regions of data in a sparse file; more are refused."""

_SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."


def number(field: bytes, what: str) -> int:
    """A header's number: octal text, or GNU's big-endian bytes after a first bit that is set."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=True)
        return value if field[0] == 0xFF else value + (1 << (8 * len(field) - 1))
    text = field.split(b"\0", 1)[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise Unreadable(f"a header whose {what} is no number") from None


def parse_records(data: bytes, regions: List[int]) -> Dict[bytes, bytes]:
    """The `length key=value` records of a pax header; sparse maps of 0.0 go into `regions`, which
    they give as pairs of records of one name."""
    found: Dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at : at + 1] != b"\0":
        space = data.find(b" ", at, at + 20)
        try:
            length = int(data[at:space]) if space >= 0 else 0
        except ValueError:
            length = 0
        if length <= space - at + 1 or length <= 0 or at + length > len(data):
            raise Unreadable("a damaged extended header")
        record = data[space + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or value[-1:] != b"\n":
            raise Unreadable("a damaged extended header")
        found[key] = value[:-1]
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            regions.append(_decimal(value))
        at += length
    return found


def xattrs_of(records: Dict[bytes, bytes]) -> Dict[bytes, bytes]:
    """Extended attributes by name, as star and Go write them, or else as libarchive does."""
    found: Dict[bytes, bytes] = {}
    for key, value in records.items():
        if key.startswith(_SCHILY):
            found[key[len(_SCHILY) :]] = value
        elif key.startswith(_LIBARCHIVE):
            name = unquote_to_bytes(key[len(_LIBARCHIVE) :])
            try:
                found.setdefault(name, base64.b64decode(value + b"=" * (-len(value) % 4)))
            except binascii.Error:
                raise Unreadable("an extended attribute that is no base64") from None
    return found


class Sparse:
    """Where the data of a sparse file of `size` bytes belongs: `regions` of (offset, length)."""

    def __init__(self, size: int, numbers: List[int]) -> None:
        if len(numbers) % 2 or len(numbers) > 2 * MOST_REGIONS:
            raise Unreadable(f"a sparse file of over {MOST_REGIONS} regions, or a damaged map")
        self.size = size
        self.regions: List[Tuple[int, int]] = list(zip(numbers[::2], numbers[1::2]))

    @property
    def holes(self) -> int:
        """Bytes that are not stored."""
        return self.size - sum(length for _, length in self.regions)

    def check(self, stored: int) -> None:
        """Raise Unreadable unless regions are in order, within the file, and as much as stored."""
        end = 0
        for offset, length in self.regions:
            if offset < end or length < 0 or offset + length > self.size:
                raise Unreadable("a sparse file whose map is not in order")
            end = offset + length
        if stored < 0 or self.size - self.holes > stored:
            raise Unreadable("a sparse file whose map claims more than is stored")

    @classmethod
    def of_gnu(cls, block: bytes, feed: Feed) -> "Sparse":
        """Of an old GNU header, and of the blocks after it when the map goes on."""
        numbers = _pairs(block[386:482])
        more = block[482]
        while more:
            extra = feed.take(512)
            if len(extra) < 512 or len(numbers) > 2 * MOST_REGIONS:
                raise Unreadable("a sparse file whose map does not end")
            numbers += _pairs(extra[:504])
            more = extra[504]
        return cls(number(block[483:495], "size"), numbers)

    @classmethod
    def of_pax(
        cls, records: Dict[bytes, bytes], regions: List[int], feed: Feed, stored: int
    ) -> "Sparse":
        """Of pax records: the map is in them (0.0, 0.1), or leads the data (1.0)."""
        size = _decimal(records.get(b"GNU.sparse.realsize", records.get(b"GNU.sparse.size", b"")))
        if records.get(b"GNU.sparse.major") == b"1":
            return cls(size, _leading_map(feed, stored))
        listed = records.get(b"GNU.sparse.map")
        if listed is not None:
            return cls(size, [_decimal(word) for word in listed.split(b",") if word])
        return cls(size, regions)


def _leading_map(feed: Feed, stored: int) -> List[int]:
    """Decimal lines in blocks of 512 bytes: how many regions, then offset and length of each."""
    lines: List[bytes] = []
    rest = b""
    wanted: Optional[int] = None
    while wanted is None or len(lines) < wanted:
        stored -= 512
        block = feed.take(512)
        if stored < 0 or len(block) < 512:
            raise Unreadable("a sparse file whose map does not end")
        *whole, rest = (rest + block).split(b"\n")
        lines += whole
        if len(rest) > 512:
            raise Unreadable("a sparse file with a damaged map")
        if wanted is None and lines:
            wanted = 1 + 2 * min(_decimal(lines[0]), MOST_REGIONS + 1)
    return [_decimal(line) for line in lines[1:wanted]]


def _pairs(data: bytes) -> List[int]:
    """Offsets and lengths of 12 bytes each, up to the first that are empty."""
    found: List[int] = []
    for at in range(0, len(data) - 23, 24):
        if not data[at]:
            break
        found += [number(data[at : at + 12], "map"), number(data[at + 12 : at + 24], "map")]
    return found


def _decimal(text: bytes) -> int:
    text = text.strip()
    if not text.isdigit() or len(text) > 20:
        raise Unreadable("a sparse file with a damaged map")
    return int(text)
