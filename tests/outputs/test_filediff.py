"""One file's two contents: text, bytes, and containers that differ in embedded times only."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import py_compile
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.outputs import containers
from cachetui.outputs.containers import listing
from cachetui.outputs.filediff import Fetched, FileDifference, file_difference, first_difference
from cachetui.report.outputs.fileview import render_file
from tests.examples import examples
from tests.make_records import HOSTILE
from tests.outputs.tars import tar


def differ(a: bytes, b: bytes, *, size: int | None = None) -> FileDifference:
    return file_difference(
        Fetched(size=size or len(a), data=a), Fetched(size=size or len(b), data=b)
    )


def shown(found: FileDifference) -> list[str]:
    return [line.sign + line.text for line in found.lines]


def test_text() -> None:
    a = "".join(f"line {i}\n" for i in range(30)).encode()
    b = a.replace(b"line 10\n", b"line ten\n").replace(b"line 20\n", b"")
    found = differ(a, b)
    assert (found.kind, found.first) == ("text", a.index(b"10"))
    assert shown(found) == [
        *("@line 8", " line 7", " line 8", " line 9", "-line 10", "+line ten"),
        *(" line 11", " line 12", " line 13"),
        *("@line 18", " line 17", " line 18", " line 19", "-line 20"),
        *(" line 21", " line 22", " line 23"),
    ]


def test_text_that_differs_in_times_only() -> None:
    found = differ(b"built\nat 2026-01-02 03:04:05\n", b"built\nat 2026-02-03 04:05:06\n")
    assert found.summary == "text; only times differ, in 1 line"
    assert differ(b"a\nb\n", b"a\nc\n").summary == "text; 1 of 2 lines differ"


def test_a_long_line_shows_where_it_differs() -> None:
    a = b"x" * 100_000 + b"old" + b"y" * 100_000
    found = differ(a, a.replace(b"old", b"new"))
    assert all(len(line.text) < 500 for line in found.lines)
    assert any("old" in line.text for line in found.lines)
    assert any("new" in line.text for line in found.lines)


def test_a_file_without_an_end() -> None:
    assert differ(b"a", b"a\n").kind == "text"
    assert differ(b"", b"new\n").first == 0
    assert differ(b"same", b"same").kind == "same"


def test_binary() -> None:
    found = differ(b"\x00\x01\x02\x03", b"\x00\x01\xff\x03")
    assert (found.kind, found.first, found.lines) == ("binary", 2, ())
    assert differ(b"\xff\xfe", b"\xff\xfd").kind == "binary"


def test_what_was_not_fetched_whole() -> None:
    found = differ(b"abc", b"abd", size=100)
    assert found.summary.endswith("(of the beginnings that were fetched)")
    assert "the rest was not fetched" in differ(b"abc", b"abc", size=100).summary
    cut = "ä".encode()[:1]
    assert differ(b"x" + cut, b"y" + cut, size=100).kind == "text"


def test_thousands_of_lines_are_shown_in_part() -> None:
    a = "".join(f"{i % 7}\n" for i in range(20_000)).encode()
    b = "".join(f"{i % 11}\n" for i in range(20_000)).encode()
    found = differ(a, b)
    assert len(found.lines) == 1000
    assert found.more > 10_000


@examples(2)
@given(st.binary(max_size=50), st.binary(max_size=50))
def test_the_first_difference(a: bytes, b: bytes) -> None:
    expected = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if expected is None and len(a) != len(b):
        expected = min(len(a), len(b))
    assert first_difference(a, b) == expected


@examples(1)
@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_a_diff_has_what_was_removed_and_added(a: list[str], b: list[str]) -> None:
    found = differ("\n".join(a).encode(), "\n".join(b).encode())
    removed = [line.text for line in found.lines if line.sign == "-"]
    added = [line.text for line in found.lines if line.sign == "+"]
    assert len(removed) - len(added) == max(len(a), 1) - max(len(b), 1)
    assert sorted([*removed, *b]) == sorted([*added, *a]) or not a or not b


def a_zip(when: tuple[int, ...], content: bytes = b"x" * 100) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("META-INF/MANIFEST.MF", when)  # type: ignore[arg-type]
        archive.writestr(info, content)
        archive.writestr(zipfile.ZipInfo("b.class", (2000, 1, 1, 0, 0, 0)), b"class")
    return buffer.getvalue()


def an_ar(when: int, content: bytes = b"abc") -> bytes:
    def member(name: str, data: bytes) -> bytes:
        head = f"{name:<16}{when:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n"
        return head.encode() + data + b"\n" * (len(data) % 2)

    return b"!<arch>\n" + member("one.o/", content) + member("two.o/", b"defg")


def a_pyc(when: int, code: bytes = b"code" * 10) -> bytes:
    return b"\xa7\r\r\n" + struct.pack("<III", 0, when, 7) + code


def a_tar(when: int, content: bytes = b"x") -> bytes:
    return tar(("folder", None), ("folder/f", {"content": content, "mtime": when}))


MAKERS: dict[str, Callable[[int, bytes], bytes]] = {
    "gzip": lambda when, content: gzip.compress(content, mtime=when),
    "zip": lambda when, content: a_zip((2000, 1, 1, 0, 0, 2 * when), content),
    "ar": an_ar,
    "pyc": a_pyc,
    "tar": a_tar,
    "tar in gzip": lambda when, content: gzip.compress(a_tar(when, content), mtime=when),
    "tar in xz": lambda when, content: lzma.compress(a_tar(when, content)),
    "tar in bzip2": lambda when, content: bz2.compress(a_tar(when, content)),
}


@pytest.mark.parametrize("kind", list(MAKERS))
def test_containers_that_differ_in_times_only(kind: str) -> None:
    make = MAKERS[kind]
    found = differ(make(1, b"content"), make(2, b"content"))
    assert found.kind == "container"
    assert found.summary.startswith(f"{kind}; only embedded times differ")
    assert len(found.lines) >= 2


@pytest.mark.parametrize("kind", list(MAKERS))
def test_containers_whose_content_differs(kind: str) -> None:
    make = MAKERS[kind]
    found = differ(make(1, b"content"), make(1, b"another"))
    assert found.kind == "container"
    assert "members differs" in found.summary


def test_members_that_are_only_there() -> None:
    a = tar(("a", b"1"), ("b", b"2"))
    found = differ(a, tar(("a", b"1")))
    assert found.summary == "tar; the content of 1 of 2 members differs"
    assert [line.sign for line in found.lines] == ["-"]
    reordered = differ(a, tar(("b", b"2"), ("a", b"1")))
    assert reordered.summary == "tar; the same members in another order"
    mode = differ(a, tar(("a", b"1"), ("b", {"content": b"2", "mode": 0o600})))
    assert "differ in other than times" in mode.summary
    packed = differ(bz2.compress(a, 1), bz2.compress(a, 9))
    assert packed.summary == "tar in bzip2; the same members, packed differently"


def test_a_real_pyc(tmp_path: Path) -> None:
    source = tmp_path / "m.py"
    found = []
    for when in (1_000_000_000, 1_100_000_000):
        source.write_text("x = 1\n")
        import os

        os.utime(source, (when, when))
        compiled = py_compile.compile(str(source), cfile=str(tmp_path / "m.pyc"))
        assert compiled
        found.append(Path(compiled).read_bytes())
    assert differ(*found).summary == "pyc; only embedded times differ (1)"


def test_what_cannot_be_read_is_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listing(b"PK\x03\x04 but no zip") is None
    assert listing(b"\x1f\x8bxx") is None
    assert listing(b"!<arch>\nnonsense" + b" " * 60) is None
    assert listing(b"plain") is None
    monkeypatch.setattr(containers, "MAX_UNPACKED", 1000)
    assert listing(gzip.compress(bytes(5000))) is None
    assert listing(a_zip((2000, 1, 1, 0, 0, 0), bytes(5000))) is not None


@examples(3)
@given(st.sampled_from(list(MAKERS)), st.data())
def test_damaged_containers_never_crash(kind: str, data: st.DataObject) -> None:
    whole = bytearray(MAKERS[kind](1, b"content"))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = listing(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    assert found is None or found.kind


def test_hostile_content_is_clean_on_screen() -> None:
    hostile = HOSTILE.encode("utf-8", "replace")
    found = differ(hostile + b"\n1\n", hostile.replace(b"next", b"\x1b[31mother") + b"\n2\n")
    text = render_file(found, HOSTILE, HOSTILE, "b", width=60, color=False)
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    assert all(len(line) <= 60 for line in text.splitlines())
    assert "\x1b[" in render_file(found, "p", "a", "b", width=60, color=True)


def test_a_tar_from_beyond_all_calendars() -> None:
    made = tar(("x", {"content": b"1", "mtime": 1 << 60}))
    listed = listing(made)
    assert listed is not None
    assert listed.parts["x"].time == str(1 << 60)


def test_a_listing_of_links() -> None:
    a = tar(("l", {"type": tarfile.SYMTYPE, "linkname": "x"}))
    found = differ(a, tar(("l", {"type": tarfile.SYMTYPE, "linkname": "y"})))
    assert "differ in other than times" in found.summary
