"""The build context: what `.dockerignore` lets through, its manifest and digest, and its tar.

What is sent is everything that either backend would see: the legacy builder minds
`.dockerignore` alone, BuildKit prefers `<Dockerfile>.dockerignore` where there is one (BuildKit
`frontend/dockerui/context.go`). Dockerfile and ignore files always go along, so that docker on
the host applies them again, by its own rules, to the very same effect.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
from e2b_dockerfile_utils import PatternMatcher

_BLOCK = 1024 * 1024

EntryKind = Literal["file", "dir", "symlink", "link", "fifo"]


class ContextError(Exception):
    """A context that cannot be read or sent: names the path and the remedy."""


class Entry(msgspec.Struct, frozen=True):
    """One path of the context, with `/` between its parts. `mode` is the permission bits;
    `target` a symlink's text or the path that a hard link (`link`) equals."""

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    sha256: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class Context:
    """A context as it was read. `dockerfile` is its path from the folder that is sent, which holds
    `context/` and, for a Dockerfile from elsewhere, `Dockerfile` beside it. `digest` covers path,
    kind, mode, size, content and link target of every entry; times and owners are not in it.
    """

    root: Path
    dockerfile: str
    dockerfile_text: str
    entries: tuple[Entry, ...]
    sources: dict[str, Path]
    digest: str
    size: int
    left_out: tuple[str, ...]
    ignore_files: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return sum(entry.kind in ("file", "link") for entry in self.entries)

    def tar_members(self) -> Iterator[bytes]:
        """The folder to send as the members of a GNU tar, streamed, without the tar's end. Raises
        `ContextError` when a file is no longer what the manifest says: what is built must be
        what was read."""
        for entry in self.entries:
            yield from _member(entry, self.sources[entry.path])


def read_context(folder: Path, dockerfile: str = "Dockerfile") -> Context:
    """Read the context below `folder`; `dockerfile` is relative to it, or absolute.

    Raises `ContextError` for a folder or Dockerfile that is not there or cannot be read, and for
    a broken ignore pattern.
    """
    root = folder.resolve()
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise ContextError(f"the build context {folder} {what}; name the folder to build")
    file = Path(os.path.normpath(root / dockerfile))
    if dockerfile == "-" and not file.is_file():
        raise ContextError(
            "a Dockerfile is not read from standard input: each host gets the same file; "
            "name it with -f FILE"
        )
    if not file.is_file():
        raise ContextError(
            f"no Dockerfile at {file}; name it with -f FILE, or `dockerfile` in [builds]"
        )
    text = _read_text(file)
    inside = file.is_relative_to(root)
    always: dict[str, Path] = {}
    if (root / ".dockerignore").is_file():
        always["context/.dockerignore"] = root / ".dockerignore"
    own_ignore = file.with_name(file.name + ".dockerignore")
    name = f"context/{file.relative_to(root).as_posix()}" if inside else "Dockerfile"
    always[name] = file
    if own_ignore.is_file():
        always[name + ".dockerignore"] = own_ignore
    ignores = [_ignore(path) for path in (root / ".dockerignore", own_ignore) if path.is_file()]
    if own_ignore.is_file() and len(ignores) == 1:
        ignores.append(PatternMatcher([]))  # the legacy builder then sends all
    walk = _Walk(root, ignores)
    walk.folder(root, "", wanted=True)
    sources = walk.found
    for path, source in always.items():
        walk.add_parents(path)
        sources.setdefault(path, source)
    entries = _manifest(sources)
    return Context(
        root=root,
        dockerfile=name,
        dockerfile_text=text,
        entries=entries,
        sources=sources,
        digest=manifest_digest(entries),
        size=sum(entry.size for entry in entries if entry.kind == "file"),
        left_out=tuple(walk.left_out),
        ignore_files={
            path: _read_text(source)
            for path, source in always.items()
            if path.endswith(".dockerignore")
        },
    )


def manifest_digest(entries: tuple[Entry, ...]) -> str:
    """`sha256:…` over the entries in order of their paths."""
    whole = hashlib.sha256()
    for e in entries:
        fields = (e.kind, e.path, f"{e.mode:o}", str(e.size), e.sha256 or "", e.target or "")
        whole.update("\0".join(fields).encode("utf-8", "surrogateescape") + b"\n")
    return f"sha256:{whole.hexdigest()}"


class _Walk:
    """Collects what is sent: path in the sent folder → path here."""

    def __init__(self, root: Path, ignores: list[PatternMatcher]) -> None:
        self.root = root
        self.ignores = ignores
        self.found: dict[str, Path] = {}
        self.left_out: list[str] = []

    def excluded(self, path: str) -> bool:
        """Whether every backend's ignore file leaves the path out."""
        return bool(self.ignores) and all(ignore.matches(path) for ignore in self.ignores)

    def folder(self, folder: Path, path: str, *, wanted: bool) -> None:
        """Take in a folder; one that is excluded is only walked for what `!` takes back in."""
        if wanted:
            self.found[_sent(path)] = folder
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise ContextError(
                f"cannot read the folder {folder}: {error.strerror}; "
                "make it readable, or leave it out in .dockerignore"
            ) from None
        for name in names:
            self.entry(folder / name, f"{path}/{name}" if path else name)

    def entry(self, source: Path, path: str) -> None:
        try:
            mode = source.lstat().st_mode
        except OSError as error:
            raise ContextError(f"cannot read {source}: {error.strerror}") from None
        excluded = self.excluded(path)
        if stat.S_ISDIR(mode):
            if not excluded or any(ignore.may_match_under(path) for ignore in self.ignores):
                self.folder(source, path, wanted=not excluded)
        elif excluded:
            return
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISFIFO(mode):
            self.add_parents(_sent(path))
            self.found[_sent(path)] = source
        else:
            self.left_out.append(path)  # sockets and devices: docker's client sends no sockets

    def add_parents(self, sent: str) -> None:
        """Folders above a path that is sent are sent too, with the mode they have here."""
        parts = sent.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above == "context" or above.startswith("context/"):
                inner = above.removeprefix("context").lstrip("/")
                self.found.setdefault(above, self.root / inner)


def _sent(path: str) -> str:
    return f"context/{path}" if path else "context"


def _ignore(path: Path) -> PatternMatcher:
    try:
        return PatternMatcher(_read_text(path).removeprefix("\ufeff").splitlines())
    except ValueError as error:
        raise ContextError(f"{path}: {error}") from None


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ContextError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ContextError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def _manifest(sources: dict[str, Path]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    seen: dict[tuple[int, int], str] = {}
    for path in sorted(sources):
        source = sources[path]
        try:
            status = source.lstat()
            mode = stat.S_IMODE(status.st_mode)
            inode = (status.st_dev, status.st_ino)
            if stat.S_ISDIR(status.st_mode):
                entry = Entry(path, "dir", mode)
            elif stat.S_ISLNK(status.st_mode):
                entry = Entry(path, "symlink", mode, target=os.readlink(source))
            elif stat.S_ISFIFO(status.st_mode):
                entry = Entry(path, "fifo", mode)
            elif status.st_nlink > 1 and inode in seen:
                entry = Entry(path, "link", mode, target=seen[inode])
            else:
                seen[inode] = path
                with source.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                entry = Entry(path, "file", mode, status.st_size, digest)
        except OSError as error:
            raise ContextError(
                f"cannot read {source}: {error.strerror}; "
                "make it readable, or leave it out in .dockerignore"
            ) from None
        entries.append(entry)
    return tuple(entries)


_TYPES = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "link": tarfile.LNKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def _member(entry: Entry, source: Path) -> Iterator[bytes]:
    info = tarfile.TarInfo(entry.path)
    info.type = _TYPES[entry.kind]
    info.mode = entry.mode
    info.linkname = entry.target or ""
    info.size = entry.size
    try:
        info.mtime = int(source.lstat().st_mtime)
        yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        if entry.kind == "file":
            yield from _content(entry, source)
    except OSError as error:
        raise ContextError(f"cannot read {source}: {error.strerror}") from None


def _content(entry: Entry, source: Path) -> Iterator[bytes]:
    left = entry.size
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while left and (block := file.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
            yield block
        if left or file.read(1) or digest.hexdigest() != entry.sha256:
            raise ContextError(
                f"{source} changed while it was being sent; run again when nothing writes to it"
            )
    yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
