"""The tar reader: what tarfile reads it reads alike, and what is hostile it refuses in time."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cachetui.outputs.remote.feed import Feed, Unreadable
from cachetui.outputs.remote.headers import MOST_HEADER, MOST_REGIONS, parse_records
from cachetui.outputs.remote.tarstream import Member, Reader
from tests.examples import examples
from tests.outputs.tars import END, blocks, header, padded, tar

KINDS = {
    tarfile.REGTYPE: "f",
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.LNKTYPE: "h",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
    tarfile.FIFOTYPE: "p",
}


def members(data: bytes, size: int = 1000) -> list[tuple[Member, bytes]]:
    """All members with their content."""
    reader = Reader(Feed(blocks(data, size)))
    return [(member, b"".join(map(bytes, reader.content()))) for member in reader]


def names(data: bytes) -> list[bytes]:
    return [member.path for member, _ in members(data)]


def refused(data: bytes) -> str:
    """Why a tar is refused."""
    with pytest.raises(Unreadable) as caught:
        members(data)
    return str(caught.value)


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
entry = st.fixed_dictionaries(
    {
        "name": text.map(lambda name: name.strip("/") or "x"),
        "type": st.sampled_from(list(KINDS)),
        "mode": st.integers(0, 0o7777),
        "uid": st.integers(0, 2**31),
        "gid": st.integers(0, 2**21 - 1),
        "mtime": st.integers(0, 2**33),
        "linkname": text,
        "content": st.binary(max_size=2000),
    }
)


@examples(1.5)
@given(
    st.lists(entry, max_size=8),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.integers(1, 5000),
)
def test_it_reads_what_tarfile_wrote(entries: list[dict[str, Any]], form: int, size: int) -> None:
    made = []
    for one in entries:
        values = dict(one)
        name = values.pop("name")
        if values["type"] != tarfile.REGTYPE:
            values["content"] = b""
        if values["type"] not in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            values["linkname"] = ""
        made.append((name, values))
    data = tar(*made, format=form)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = archive.getmembers()
        contents = [
            (archive.extractfile(m) or io.BytesIO()).read() if m.isreg() else b"" for m in expected
        ]
    found = members(data, size)
    assert len(found) == len(expected)
    for (member, content), info, wanted in zip(found, expected, contents, strict=True):
        assert member.path.rstrip(b"/") == info.name.encode().rstrip(b"/")
        assert member.kind == KINDS[info.type]
        assert (member.mode, member.uid, member.gid) == (info.mode, info.uid, info.gid)
        assert float(member.mtime) == info.mtime
        assert content == wanted
        if member.kind in "lh":
            assert member.link == info.linkname.encode()


@pytest.mark.fault("images")
@examples(3)
@given(st.data())
def test_damage_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    whole = bytearray(
        tar(
            ("folder", None),
            ("a" * 150, b"long name"),
            ("file", b"content" * 200),
            ("link", {"type": tarfile.SYMTYPE, "linkname": "file"}),
            format=data.draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])),
            pax={"SCHILY.xattr.user.x": "1", "mtime": "1.5"},
        )
    )
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with suppress(Unreadable):
        members(bytes(whole[:cut]))


RECORD = b"12 path=abc\n"
PARTS = [RECORD, b" ", b"=", b"\n", b"0", b"-", b"12", b"x", b"+5 ", b"1_2 "]


@pytest.mark.fault("images")
@given(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join))
@example(RECORD + b"x=\n")
@example(RECORD + b"x" * 30 + b"=\n")
@example(b" =\n")
def test_records_end_or_are_refused(data: bytes) -> None:
    """A length that leads nowhere is refused: one of 0 would be read for ever."""
    with suppress(Unreadable):
        read = parse_records(data, [])
        assert all(key in data and value in data for key, value in read.items())


@pytest.mark.fault("images")
@examples(2)
@given(st.binary(max_size=5000))
def test_noise_is_refused_or_empty(data: bytes) -> None:
    with suppress(Unreadable):
        members(data)


def test_old_and_ustar_names() -> None:
    data = header(b"folder/", flag=b"\0", magic=bytes(8)) + header(b"name", prefix=b"some/where")
    found = members(data + END)
    assert [(m.path, m.kind) for m, _ in found] == [(b"folder/", "d"), (b"some/where/name", "f")]


def test_the_type_bits_of_20_10_are_no_mode() -> None:
    """Engine 20.10 writes 0100644 for a file (our lab); newer ones 0644."""
    ((member, _),) = members(header(mode=b"0100644\0") + END)
    assert member.mode == 0o644


def test_big_numbers_are_read() -> None:
    big = (0x80 << 88 | 5_000_000_000).to_bytes(12, "big")
    ((member, content),) = members(
        header(uid=b"\x80\0\0\0\x7f\xff\xff\xff", mtime=b"\xff" * 12) + END
    )
    assert (member.uid, member.mtime) == (0x7FFFFFFF, "-1")
    assert content == b""
    assert "ends" in refused(header(size_field=big) + END)


def test_a_header_only_member_has_no_data_whatever_it_claims() -> None:
    data = header(b"link", flag=b"2", size=512, link=b"to") + header(b"next") + END
    assert names(data) == [b"link", b"next"]


def test_two_blocks_of_zeros_end_it_and_one_is_damage() -> None:
    assert names(header(b"a") + END + header(b"b")) == [b"a"]
    assert names(header(b"a")) == [b"a"]
    assert names(header(b"a") + bytes(512)) == [b"a"]
    assert "lone block" in refused(header(b"a") + bytes(512) + header(b"b") + END)


def test_an_empty_stream_is_an_empty_tar() -> None:
    assert members(b"") == members(END) == []


def test_a_signed_checksum_is_right_too() -> None:
    block = bytearray(header("näme".encode()))
    block[148:156] = b" " * 8
    signed = sum(byte if byte < 128 else byte - 256 for byte in block)
    block[148:156] = b"%06o\0 " % signed
    assert names(bytes(block) + END) == ["näme".encode()]


@pytest.mark.parametrize("flag", [b"x", b"g", b"L", b"K"])
def test_a_giant_extended_header_is_refused_unread(flag: bytes) -> None:
    data = header(flag=flag, size=MOST_HEADER + 1)
    assert "extended header" in refused(data + END)


def test_many_global_headers_do_not_add_up() -> None:
    def record(number: int) -> bytes:
        body = b"k%d=" % number + b"v" * 900_000 + b"\n"
        length = len(body) + 8
        return b"%07d " % length + body

    data = b"".join(header(flag=b"g", size=len(record(i))) + padded(record(i)) for i in range(3))
    assert "global headers" in refused(data + header() + END)


@pytest.mark.parametrize(
    "body",
    [b"99 path=x\n", b"5 path=x\n", b"x path=x\n", b"10 path=xy", b"-1 path=x\n", b"8 nothing\n"],
)
def test_damaged_records_are_refused(body: bytes) -> None:
    assert "damaged extended header" in refused(
        header(flag=b"x", size=len(body)) + padded(body) + header() + END
    )


def test_a_member_that_claims_more_than_there_is() -> None:
    assert "bytes too early" in refused(header(size=10_000_000_000) + b"x" * 512)
    assert "claims" in refused(header(size_field=b"\xff" * 11 + b"\xfe") + END)


class TestSparse:
    """Sparse files of every format hold what they stand for."""

    def gnu(self, pairs: list[tuple[int, int]], size: int, data: bytes, more: bytes = b"") -> bytes:
        table = b"".join(b"%011o\0%011o\0" % pair for pair in pairs).ljust(96, b"\0")
        sparse = table + (b"\1" if more else b"\0") + b"%011o\0" % size
        return (
            header(b"s", flag=b"S", size=len(data), magic=b"ustar  \0", sparse=sparse)
            + more
            + padded(data)
        )

    def test_gnu(self) -> None:
        data = self.gnu([(512, 3), (2000, 2), (5000, 0)], 5000, b"abcde")
        (member, content), (after, _) = members(data + header(b"next") + END)
        assert content == b"abcde"
        assert member.sparse is not None
        assert member.sparse.regions == [(512, 3), (2000, 2), (5000, 0)]
        assert (member.size, member.sparse.holes) == (5000, 4995)
        assert after.path == b"next"

    def test_gnu_with_a_map_that_goes_on(self) -> None:
        more = b"%011o\0%011o\0" % (90, 1)
        pairs = [(10, 1), (20, 1), (30, 1), (40, 1)]
        data = self.gnu(pairs, 100, b"abcde", more.ljust(512, b"\0"))
        (member, content), (after, _) = members(data + header(b"next") + END)
        assert member.sparse is not None
        assert len(member.sparse.regions) == 5
        assert (content, after.path) == (b"abcde", b"next")

    def test_pax_1_0(self) -> None:
        table = padded(b"2\n100\n3\n200\n2\n")
        records = b"".join(
            b"%d %s\n" % (len(line) + 4, line)
            for line in (
                b"GNU.sparse.major=1",
                b"GNU.sparse.minor=0",
                b"GNU.sparse.name=real",
                b"GNU.sparse.realsize=300",
            )
        )
        stored = table + b"abcde"
        data = (
            header(flag=b"x", size=len(records))
            + padded(records)
            + header(b"GNUSparseFile.0/real", size=len(stored))
            + padded(stored)
        )
        (member, content), (after, _) = members(data + header(b"next") + END)
        assert member.path == b"real"
        assert member.sparse is not None
        assert member.sparse.regions == [(100, 3), (200, 2)]
        assert (content, member.size, after.path) == (b"abcde", 300, b"next")

    @pytest.mark.parametrize(
        ("pairs", "size", "data"),
        [
            ([(10, 5), (5, 5)], 100, b"x" * 10),
            ([(10, 5)], 12, b"x" * 5),
            ([(10, 500)], 1000, b"x" * 5),
        ],
    )
    def test_maps_that_lie_are_refused(
        self, pairs: list[tuple[int, int]], size: int, data: bytes
    ) -> None:
        assert "map" in refused(self.gnu(pairs, size, data) + END)

    def test_a_map_without_end_is_refused_before_it_is_read(self) -> None:
        full = (b"%011o\0%011o\0" % (1, 0) * 21).ljust(504, b"\0") + b"\1" + bytes(7)
        data = self.gnu([(1, 0)] * 4, 1, b"", full) + full * (MOST_REGIONS // 10)
        left = io.BytesIO(data + END)
        reader = Reader(Feed(iter(lambda: left.read(512), b"")))
        with pytest.raises(Unreadable, match="map"):
            next(iter(reader))
        assert left.tell() < len(data) * 2 // 3
