"""A layer's lines: what they say, hostile names and contents, and that memory stays flat."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.outputs.fetch import raw_path
from cachetui.outputs.remote import entries
from cachetui.outputs.remote.entries import Layer, escape, plain
from cachetui.outputs.remote.feed import Feed, Unreadable, unpacked
from tests.examples import examples
from tests.outputs.tars import END, blocks, header, padded, read_layer, sha, tar, zipped


def test_a_line_says_all_of_an_entry() -> None:
    data = tar(
        ("./etc/", None),
        ("etc/motd", {"content": b"hello\n", "mode": 0o4755, "uid": 7, "gid": 8, "mtime": 99}),
        ("/etc/link", {"type": tarfile.SYMTYPE, "linkname": "../motd"}),
        ("etc//./hard", {"type": tarfile.LNKTYPE, "linkname": "./etc/motd"}),
        ("dev/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        (".", None),
    )
    lines, layer = read_layer(data)
    assert [line.decode() for line in lines] == [
        "etc\td\t755\t0\t0\t\t0\t\t\t",
        f"etc/motd\tf\t4755\t7\t8\t6\t99\t{sha(b'hello' + bytes([10]))}\t\t",
        "etc/link\tl\t644\t0\t0\t\t0\t\t../motd\t",
        "etc/hard\th\t644\t0\t0\t\t0\t\tetc/motd\t",
        "dev/null\tc\t644\t0\t0\t\t0\t\t1,3\t",
        "pipe\tp\t644\t0\t0\t\t0\t\t\t",
        "\td\t755\t0\t0\t\t0\t\t\t",
    ]
    assert (layer.digest, layer.size, layer.entries) == (sha(data), len(data), 7)
    assert (layer.error, layer.outside) == ("", 0)


def test_times_keep_their_fractions_and_xattrs_are_told() -> None:
    capability = b"\x01\x00\x00\x02\x00\x04\x00\x00".decode("latin-1")
    data = tar(
        ("ping", b"x"),
        format=tarfile.PAX_FORMAT,
        pax={
            "mtime": "12.250000",
            "atime": "99.5",
            "ctime": "99.5",
            "SCHILY.xattr.security.capability": capability,
            "SCHILY.xattr.user.a,b": "1",
            "SCHILY.xattr.user.long": "v" * 100,
            "LIBARCHIVE.xattr.user.%62": "MQ",
        },
    )
    (line,), _ = read_layer(data)
    fields = line.decode().split("\t")
    assert fields[6] == "12.25"
    assert fields[9].split(",") == [
        "security.capability=0100000200040000",
        r"user.a\x2cb=31",
        "user.b=31",
        f"user.long=sha256:{sha(b'v' * 100)}",
    ]


def test_whiteouts() -> None:
    data = tar(
        ("a/.wh.gone", b""),
        (".wh.top", b""),
        ("b/.wh..wh..opq", b""),
        (".wh..wh..opq", b""),
        ("c/.wh.", b""),
        ("c/.wh..wh.plnk", b""),
    )
    lines, _ = read_layer(data)
    assert [line.split(b"\t")[:2] for line in lines] == [
        [b"a/gone", b"w"],
        [b"top", b"w"],
        [b"b", b"o"],
        [b"", b"o"],
        [b"c/.wh.", b"f"],
        [b"c/.wh..wh.plnk", b"f"],
    ]


@pytest.mark.fault("file-names")
def test_names_that_would_leave_the_tree_are_told_and_stay_names() -> None:
    data = tar(
        ("../../etc/passwd", b"x"),
        ("/abs/olute", b"x"),
        ("a/../b", b"x"),
        ("out", {"type": tarfile.SYMTYPE, "linkname": "../../../etc/shadow"}),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "../../etc/shadow"}),
    )
    lines, layer = read_layer(data)
    paths = [line.split(b"\t")[0] for line in lines]
    assert paths == [b"../../etc/passwd", b"abs/olute", b"a/../b", b"out", b"hard"]
    assert layer.outside == 3


@pytest.mark.fault("file-names")
@pytest.mark.parametrize(
    "name", [b"a\nb\tc", b"\x1b]52;c;x\x07", b"\xff\xfe", b"back\\slash", "ümläut \u202e".encode()]
)
def test_hostile_names_stay_in_their_field(name: bytes) -> None:
    (line,), _ = read_layer(header(name) + END)
    assert line.count(b"\t") == 9
    assert not any(byte < 32 and byte != 9 for byte in line)
    assert raw_path(line.decode().split("\t")[0]) == name


@given(st.binary(max_size=60))
def test_escaping_is_undone(text: bytes) -> None:
    assert raw_path(escape(text).decode()) == text


@given(st.lists(st.sampled_from([b"a", b".", b"..", b"", b"b.c"]), max_size=6))
def test_plain_paths(parts: list[bytes]) -> None:
    found = plain(b"/".join(parts))
    assert found == b"/".join(part for part in parts if part not in (b"", b"."))


def test_a_path_of_giant_size_is_refused() -> None:
    name = b"d/" * 40_000
    record = b"%d path=%s\n" % (len(name) + 12, name)
    data = header(flag=b"x", size=len(record)) + padded(record) + header() + END
    lines, layer = read_layer(data)
    assert lines == []
    assert "a path of more than" in layer.error


def test_deep_nesting_is_only_a_long_name() -> None:
    name = "/".join("d" * 15_000)
    (line,), layer = read_layer(tar((name, b"x")))
    assert line.startswith(name.encode())
    assert layer.error == ""


def test_an_error_names_the_entry_before_and_the_digest_is_still_right() -> None:
    data = tar(("good", b"x"))[:1024] + b"\xff" * 512 + END
    lines, layer = read_layer(data)
    assert len(lines) == 1
    assert layer.error == "a damaged header at byte 1024 after good"
    assert layer.digest == sha(data)


def test_a_sparse_file_is_the_zeros_it_stands_for() -> None:
    content = b"\0" * 700 + b"abc" + b"\0" * 300
    table = b"%011o\0%011o\0" % (700, 3)
    sparse = table.ljust(96, b"\0") + b"\0" + b"%011o\0" % len(content)
    data = header(b"s", flag=b"S", size=3, magic=b"ustar  \0", sparse=sparse) + padded(b"abc")
    (line,), _ = read_layer(data + END)
    fields = line.decode().split("\t")
    assert (fields[1], fields[5], fields[7]) == ("f", str(len(content)), sha(content))


def test_a_sparse_giant_is_not_expanded() -> None:
    sparse = (b"%011o\0%011o\0" % (0, 3)).ljust(96, b"\0") + b"\0" + b"\x80" + bytes(3)
    sparse += (1 << 55).to_bytes(8, "big")
    data = header(b"s", flag=b"S", size=3, magic=b"ustar  \0", sparse=sparse) + padded(b"abc")
    (line,), layer = read_layer(data + END)
    fields = line.decode().split("\t")
    assert (fields[5], fields[7][:7], layer.error) == (str(1 << 55), "sparse:", "")


class TestPacked:
    """gzip and zstd layers: the same lines, and clear words for broken ones."""

    plain = tar(("a", b"content" * 3000), ("b", None))

    def test_gzip_in_several_members_and_padded(self) -> None:
        packed = zipped(self.plain[:3000]) + zipped(self.plain[3000:]) + bytes(100)
        assert read_layer(packed, 7)[0] == read_layer(self.plain)[0]
        assert read_layer(packed)[1].digest == sha(self.plain)

    @pytest.mark.needs("zstd")
    def test_zstd(self) -> None:
        done = subprocess.run(["zstd", "-qc"], input=self.plain, capture_output=True, check=True)
        lines, layer = read_layer(done.stdout + done.stdout[:0])
        assert lines == read_layer(self.plain)[0]
        assert layer.digest == sha(self.plain)
        assert "zstd data is damaged" in read_layer(done.stdout[:-9])[1].error

    @pytest.mark.parametrize("cut", [5, 30, -1])
    def test_gzip_cut_short(self, cut: int) -> None:
        assert "gzip data" in read_layer(zipped(self.plain)[:cut])[1].error

    def test_gzip_damaged(self) -> None:
        packed = bytearray(zipped(self.plain))
        packed[20:24] = b"\xff\xff\xff\xff"
        assert "gzip data is damaged" in read_layer(bytes(packed))[1].error

    def test_many_tiny_gzip_members(self) -> None:
        packed = b"".join(zipped(self.plain[i : i + 1]) for i in range(3000))
        data = b"".join(map(bytes, unpacked(Feed(blocks(packed)))))
        assert data == self.plain[:3000]

    def test_output_that_fills_a_block_to_the_byte(self) -> None:
        content = bytes(3 << 20)
        packed = gzip.compress(content)
        assert b"".join(map(bytes, unpacked(Feed([packed])))) == content


def giant(count: int, size: int) -> Iterator[bytes]:
    """A tar of `count` files of `size` bytes, made as it is read."""
    content = bytes(size) + bytes(-size % 512)
    for number in range(count):
        yield header(b"folder%d/file%d" % (number // 1000, number), size=size)
        yield content
    yield END


def peak(feed: Iterator[bytes]) -> int:
    """Bytes of memory that reading a layer takes at most."""
    tracemalloc.start()
    try:
        layer = Layer(Feed(feed))
        for _ in layer.lines():
            pass
        assert layer.error == ""
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.fault("images")
def test_memory_does_not_grow_with_the_layer() -> None:
    small, large = peak(giant(200, 100)), peak(giant(4_000, 100))
    assert large < small + 200_000
    assert peak(giant(40, 1_000_000)) < 4_000_000


@pytest.mark.fault("images")
def test_a_bomb_is_taken_in_blocks() -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _ in range(60)) + packer.flush()
    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in unpacked(Feed(blocks(packed))))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert total == 60 << 20


@pytest.mark.fault("images")
def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_ENTRIES", 10)
    lines, layer = read_layer(b"".join(giant(11, 1)))
    assert len(lines) == 10
    assert "more than 10 entries" in layer.error


@pytest.mark.fault("images")
@pytest.mark.parametrize(
    "magic",
    [
        pytest.param(b"", id="none"),
        pytest.param(b"\x1f\x8b\x08\0", id="gzip"),
        pytest.param(b"\x28\xb5\x2f\xfd", id="zstd", marks=pytest.mark.needs("zstd")),
    ],
)
@examples(1)
@given(data=st.binary(max_size=3000))
def test_noise_never_crashes(data: bytes, magic: bytes) -> None:
    _, layer = read_layer(magic + data)
    assert layer.error or layer.digest


def test_a_feed_takes_pieces_of_any_block() -> None:
    feed = Feed([b"", b"ab", b"", b"cdef", b"g"])
    assert feed.peek(3) == b"abc"
    assert feed.take(1) == b"a"
    assert b"".join(map(bytes, feed.pieces(3))) == b"bcd"
    feed.push_back(b"cd")
    assert feed.take(10) == b"cdefg"
    assert (feed.offset, feed.take(1), feed.peek(1)) == (7, b"", b"")
    with pytest.raises(Unreadable):
        list(Feed([b"a"]).pieces(2))


def test_a_layer_is_not_taken_for_a_file_on_disk() -> None:
    """Nothing of a tar's names reaches the file system."""
    data = io.BytesIO(tar(("/tmp/cachetui-must-not-be", b"x"), ("../x", b"x")))
    list(Layer(Feed([data.getvalue()])).lines())
    assert not os.path.exists("/tmp/cachetui-must-not-be")
