"""Unpack a tarball as docker does, never outside of its folder, and write what `docker build -`
is given: the same members in one tar without compression.

docker unpacks as root in a chroot (moby `pkg/chrootarchive`). Here a member whose path leads
through a symlink or out of the folder is refused instead; where a symlink points is text.
"""

from __future__ import annotations

import copy
import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cachetui.context.manifest import ContextError

_ZSTD = b"\x28\xb5\x2f\xfd"
_BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, UnicodeError, ValueError)


def unpack(file: Path, folder: Path, name: str) -> dict[str, tarfile.TarInfo]:
    """Unpack the tarball `file`, plain or compressed by gzip, bzip2 or xz, into an empty folder;
    returns its members by path, "." the root, in their order. `name` is what errors call it.

    Raises `ContextError`.
    """
    with _opened(file, name) as tar:
        unpacking = _Unpacking(tar, folder, name)
        for member in tar:
            unpacking.take(member)
        unpacking.check_end()
    unpacking.set_modes()
    return unpacking.members


@contextmanager
def _opened(file: Path, name: str) -> Iterator[tarfile.TarFile]:
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(_ZSTD))
        if begins == _ZSTD:
            raise ContextError(
                f"{name} is compressed by zstd, which docker build does not read from standard "
                "input (BuildKit 26.1 and 28.5); compress it by gzip or xz"
            )
        with tarfile.open(file, "r:*") as tar:
            yield tar
    except tarfile.ReadError as error:
        broken = f"is not a tarball, or a broken one ({error})"
        raise ContextError(f"{name} {broken}; docker takes tar, gzip, bzip2 and xz") from None
    except _BROKEN as error:
        raise ContextError(f"{name} is a broken tarball ({error}); make it again") from None
    except OSError as error:
        raise ContextError(f"{name} cannot be unpacked: {error.strerror or error}") from None


class _Unpacking:
    """Members that were unpacked: paths without `./` → what they are."""

    def __init__(self, tar: tarfile.TarFile, folder: Path, name: str) -> None:
        self.tar = tar
        self.folder = folder
        self.name = name
        self.members: dict[str, tarfile.TarInfo] = {}
        self.modes: dict[str, int] = {}

    def take(self, member: tarfile.TarInfo) -> None:
        path = self._path(member.name)
        to = self.folder / path
        if any(key.startswith("SCHILY.xattr.") for key in member.pax_headers):
            raise self._error(path, "has extended attributes, which a folder here would lose")
        there = to.lstat() if path != "." and os.path.lexists(to) else None
        if there is not None and stat.S_ISDIR(there.st_mode) != member.isdir():
            raise self._error(path, "is in it twice, as a folder and as something else")
        if path == "." and not member.isdir():
            raise self._error(path, "has no name")
        if member.isdir():
            to.mkdir(exist_ok=True)
        else:
            to.unlink(missing_ok=True)
            self.modes.pop(path, None)
            self._make(member, to, path)
            os.utime(to, (member.mtime, member.mtime), follow_symlinks=False)
        self.members.pop(path, None)  # the last one counts, in its place
        self.members[path] = member
        if not member.issym() and not member.islnk():
            self.modes[path] = member.mode & 0o7777

    def _make(self, member: tarfile.TarInfo, to: Path, path: str) -> None:
        if member.issym():
            os.symlink(member.linkname, to)
        elif member.islnk():
            target = self.folder / self._path(member.linkname)
            if not target.is_file() or target.is_symlink():
                raise self._error(path, f"is a link to {member.linkname}, which is not in it")
            os.link(target, to)
        elif member.isfifo():
            os.mkfifo(to)
        elif member.isfile():
            source = self.tar.extractfile(member)
            assert source is not None
            with source, to.open("xb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
        else:
            raise self._error(path, "is a device, which an account without root cannot unpack")

    def _path(self, name: str) -> str:
        """A member's path, whose folders are there. Raises `ContextError`."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self._error(name, "leads out of the folder")
        for depth in range(1, len(parts)):
            above = self.folder.joinpath(*parts[:depth])
            if above.is_symlink() or (above.exists() and not above.is_dir()):
                raise self._error(name, f"leads through {'/'.join(parts[:depth])}, which is a link "
                                  "or a file")  # fmt: skip
            if not above.exists():
                above.mkdir()
                self.modes["/".join(parts[:depth])] = 0o755
        return posixpath.join(*parts) if parts else "."

    def check_end(self) -> None:
        """Where a header is damaged, tarfile takes what comes before it for the whole."""
        opened = self.tar.fileobj
        assert opened is not None
        opened.seek(self.tar.offset)
        if any(opened.read(tarfile.BLOCKSIZE)):
            raise ContextError(f"{self.name} is a broken tarball: a header in it is damaged")

    def set_modes(self) -> None:
        """Give folders and files their modes, folders last: one may not let us write."""
        for path in sorted(self.modes, reverse=True):
            (self.folder / path).chmod(self.modes[path])

    def _error(self, path: str, what: str) -> ContextError:
        return ContextError(f"{self.name}: its member {path} {what}; unpack it and name the folder")


def members_of_root(folder: Path, paths: Iterable[str], mtime: float) -> dict[str, tarfile.TarInfo]:
    """Members for these paths of a folder, "." the root, all of them root's and of one time, in
    seconds since the epoch. Raises `OSError`."""
    members = {}
    for path in paths:
        source = folder / path
        mode = source.lstat().st_mode
        member = members[path] = tarfile.TarInfo(path)
        member.mode, member.mtime = stat.S_IMODE(mode), int(mtime)
        if stat.S_ISDIR(mode):
            member.type = tarfile.DIRTYPE
        elif stat.S_ISLNK(mode):
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(source)
    return members


def write_tar(members: Mapping[str, tarfile.TarInfo], folder: Path, to: Path) -> None:
    """Write a plain tar of these members, whose files are at their paths in the folder. Their
    headers stay: the legacy builder's keys have names, owners and modes as they stand there (moby
    `pkg/tarsum`). Raises `OSError`."""
    with tarfile.open(to, "w", format=tarfile.GNU_FORMAT, encoding="utf-8") as tar:
        for path, member in members.items():
            info = copy.copy(member)
            info.pax_headers, info.mtime = {}, int(member.mtime)
            if not info.isfile():
                tar.addfile(info)
                continue
            if info.issparse():
                info.type = tarfile.REGTYPE
            with (folder / path).open("rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                tar.addfile(info, file)
