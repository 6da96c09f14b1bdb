"""Tarballs: what docker takes is unpacked with its owners, and nothing outside of the folder."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from cachetui.context.manifest import ContextError
from cachetui.context.tarball import unpack, write_tar


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tarball(file: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> Path:
    with tarfile.open(file, mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return file


def folder(tmp_path: Path) -> Path:
    into = tmp_path / "into"
    into.mkdir()
    return into


FOLDER = {"type": tarfile.DIRTYPE}
LINK = {"type": tarfile.SYMTYPE}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_what_docker_takes_is_unpacked_and_written_again(tmp_path: Path, mode: str) -> None:
    members = [
        member("./", mode=0o750, uid=5, **FOLDER),
        member("./d/deep/f", b"text", mode=0o4755, uid=1000, gid=1001, uname="u", mtime=77),
        member("./l", linkname="/etc/passwd", uname="root", **LINK),
        member("./h", linkname="./d/deep/f", type=tarfile.LNKTYPE),
    ]
    into = folder(tmp_path)
    kept = unpack(tarball(tmp_path / "t", members, mode), into, "t")
    assert stat.S_IMODE(into.stat().st_mode) == 0o750
    file = into / "d/deep/f"
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"text", 0o4755)
    assert stat.S_IMODE((into / "d").stat().st_mode) == 0o755
    assert os.readlink(into / "l") == "/etc/passwd"
    assert (into / "h").samefile(file)
    write_tar(kept, into, tmp_path / "again")
    with tarfile.open(tmp_path / "again") as again:
        found = {each.name: each for each in again}
    assert list(found) == [".", "./d/deep/f", "./l", "./h"]
    assert [found["."].uid, found["."].mode] == [5, 0o750]
    f = found["./d/deep/f"]
    assert (f.uid, f.gid, f.uname, f.mtime, f.mode, f.size) == (1000, 1001, "u", 77, 0o4755, 4)
    assert (found["./h"].islnk(), found["./h"].linkname) == (True, "./d/deep/f")
    assert (found["./l"].linkname, found["./l"].uname) == ("/etc/passwd", "root")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member("../out", b"x")], r"\.\./out leads out of the folder"),
        ([member("a/../../out", b"x")], "leads out of the folder"),
        ([member("l", linkname="/tmp", **LINK), member("l/out", b"x")], "leads through l"),
        ([member("l", linkname="..", **LINK), member("l/out", b"x")], "leads through l"),
        ([member("f", b"x"), member("f/out", b"x")], "leads through f"),
        ([member("h", linkname="../../etc/passwd", type=tarfile.LNKTYPE)], "leads out"),
        ([member("h", linkname="nowhere", type=tarfile.LNKTYPE)], "which is not in it"),
        (
            [
                member("l", linkname="/etc/passwd", **LINK),
                member("h", linkname="l", type=tarfile.LNKTYPE),
            ],
            "which is not in it",
        ),
        ([member("x", type=tarfile.CHRTYPE)], "is a device"),
        ([member("x", b"1"), member("x", **FOLDER)], "is in it twice"),
        ([member("x", pax_headers={"SCHILY.xattr.user.a": "b"})], "extended attributes"),
    ],
)
def test_what_would_be_another_context_is_refused(
    tmp_path: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]], why: str
) -> None:
    file = tmp_path / "t"
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(ContextError, match=f"^the-tar: its member .*{why}.*name the folder"):
        unpack(file, folder(tmp_path), "the-tar")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "t"]


def test_an_absolute_path_starts_from_the_folder(tmp_path: Path) -> None:
    into = folder(tmp_path)
    unpack(tarball(tmp_path / "t", [member("/etc/x", b"1")]), into, "t")
    assert (into / "etc/x").read_bytes() == b"1"


def test_a_link_in_a_file_s_place_changes_no_other_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    other.chmod(0o600)
    members = [member("x", b"1", mode=0o777), member("x", linkname=str(other), **LINK)]
    into = folder(tmp_path)
    unpack(tarball(tmp_path / "t", members), into, "t")
    assert (into / "x").is_symlink()
    assert stat.S_IMODE(other.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not a tarball"),
        (b"<html>" * 200, "is not a tarball"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 600, "zstd"),
    ],
)
def test_what_is_no_tarball_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    file = tmp_path / "t"
    file.write_bytes(data)
    with pytest.raises(ContextError, match=why):
        unpack(file, folder(tmp_path), "t")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_broken_one_is_refused(tmp_path: Path, mode: str) -> None:
    members = [member(name, os.urandom(5000)) for name in "ab"]
    file = tarball(tmp_path / "t", members, mode)
    file.write_bytes(file.read_bytes()[:6200])
    with pytest.raises(ContextError, match=r"broken|cannot be unpacked"):
        unpack(file, folder(tmp_path), "t")


def test_a_damaged_header_is_no_end(tmp_path: Path) -> None:
    file = tarball(tmp_path / "t", [member("a", b"1"), member("b", b"2")])
    whole = bytearray(file.read_bytes())
    whole[1024] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(ContextError, match="header in it is damaged"):
        unpack(file, folder(tmp_path), "t")
