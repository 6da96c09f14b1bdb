"""The manifest of a build context: one entry a path, and a digest over all of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from cachetui.context.known_digests import KnownDigests

EntryKind = Literal["file", "dir", "symlink", "link", "fifo"]

Source = str | bytes
"""What an entry is read from: a path here, or a file's content where no path has it."""


class ContextError(Exception):
    """A context that cannot be read or sent: names the path and the remedy."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One path of the context, with `/` between its parts. `mode` is the permission bits;
    `target` a symlink's text or the path that a hard link (`link`) equals."""

    path: str
    kind: EntryKind
    mode: int
    size: int = 0
    sha256: str | None = None
    target: str | None = None


def manifest_digest(entries: Iterable[Entry]) -> str:
    """`sha256:…` over the entries in order of their paths."""
    whole = hashlib.sha256()
    for entry in entries:
        line = (
            f"{entry.kind}\0{entry.path}\0{entry.mode:o}\0{entry.size}\0{entry.sha256 or ''}"
            f"\0{entry.target or ''}\n"
        )
        whole.update(line.encode("utf-8", "surrogateescape"))
    return f"sha256:{whole.hexdigest()}"


def make_manifest(
    sources: Mapping[str, Source], known: KnownDigests | None = None
) -> tuple[Entry, ...]:
    """The entries of `sources` (path in the context → what it is), in the order of their paths.

    Reads every file that is not `known`, which learns of it. Raises `ContextError` for one that
    cannot be read.
    """
    known = known or KnownDigests()
    entries: list[Entry] = []
    seen: dict[tuple[int, int] | None, str] = {}
    for path in sorted(sources):
        source = sources[path]
        if isinstance(source, bytes):
            digest = hashlib.sha256(source).hexdigest()
            entries.append(Entry(path, "file", 0o644, len(source), digest))
            continue
        try:
            status = os.lstat(source)
            mode = stat.S_IMODE(status.st_mode)
            inode = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
            if stat.S_ISREG(status.st_mode) and inode is None:  # nearly all are
                digest = known.find(source, status) or _read(source, status, known)
                entry = Entry(path, "file", mode, status.st_size, digest)
            elif stat.S_ISDIR(status.st_mode):
                entry = Entry(path, "dir", mode)
            elif stat.S_ISLNK(status.st_mode):
                entry = Entry(path, "symlink", mode, target=os.readlink(source))
            elif stat.S_ISFIFO(status.st_mode):
                entry = Entry(path, "fifo", mode)
            elif inode in seen:
                entry = Entry(path, "link", mode, target=seen[inode])
            else:
                if inode is not None:
                    seen[inode] = path
                digest = known.find(source, status) or _read(source, status, known)
                entry = Entry(path, "file", mode, status.st_size, digest)
        except OSError as error:
            raise ContextError(
                f"cannot read {source}: {error.strerror}; "
                "make it readable, or leave it out in .dockerignore"
            ) from None
        entries.append(entry)
    return tuple(entries)


def _read(path: str, status: os.stat_result, known: KnownDigests) -> str:
    """The SHA-256 (hex) of a file, noted. Raises `OSError`."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known.note(path, status, digest)
    return digest
