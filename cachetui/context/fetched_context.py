"""A build context that docker would fetch or read itself: a git repository, the URL of a tarball,
a tarball. It is fetched once, on this machine, so that every host builds the same files.

docker is then given a tar of them on standard input. Found in our lab on Docker 20.10, 26.1 and
28.5: BuildKit has the same keys for that as for the repository or tarball itself, of `COPY .` too,
which has another one for a folder; it applies no `.dockerignore` to either. The legacy builder
applies it to a repository, so there it is given the folder.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import sys
import tarfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from cachetui.config.context_source import (
    STDIN,
    fetched_kind,
    git_source,
    why_not_fetched,
    without_credentials,
)
from cachetui.context.build_context import Context, Fetched, read_whole
from cachetui.context.git_clone import clone
from cachetui.context.manifest import ContextError, Entry
from cachetui.context.own_folder import OwnFolder
from cachetui.context.tarball import members_of_root, unpack, write_tar

ARCHIVE = "context.tar"
"""What the tar for docker's standard input is called in what is sent."""

_SECONDS = 60.0
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Files:
    """What was fetched: the context's folder, its source as docker takes it, its members by path
    or, of a repository, the time that all of them have, and sentences on it."""

    folder: Path
    source: str
    members: Mapping[str, tarfile.TarInfo] | float
    notes: tuple[str, ...]


def read_fetched(
    source: str, dockerfile: str = "Dockerfile", named: Mapping[str, Path] | None = None
) -> Context:
    """Fetch a context and read it; `dockerfile` is its path there, `named` are further folders.

    Raises `ContextError` for what cannot be fetched, and as `read_context` does.
    """
    reason = why_not_fetched(source)
    if reason:
        raise ContextError(f"the build context {_shown(source)} {reason}")
    kind = fetched_kind(source)
    assert kind is not None
    ours = OwnFolder()
    try:
        files = _cloned(source, ours.path) if kind == "git" else _unpacked(source, ours.path)
        inner = _dockerfile(files, dockerfile)
        context = read_whole(files.folder, inner, named, legacy_ignores=kind == "git")
        paths = [e.path.removeprefix("context/") for e in context.entries if _inside(e)]
        members = files.members
        if isinstance(members, float):
            members = members_of_root(files.folder, [".", *paths], members)
        archive = ours.path / ARCHIVE
        write_tar(members, files.folder, archive)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entry = Entry(ARCHIVE, "file", 0o600, archive.stat().st_size, digest)
    except OSError as error:
        why = error.strerror or str(error)
        raise ContextError(
            f"the build context {_shown(source)} cannot be kept here: {why}"
        ) from None
    whole = hashlib.sha256(f"{context.digest} {digest}".encode()).hexdigest()
    owned = any((one.uid, one.gid) != (0, 0) for one in members.values())
    fetched = Fetched(files.source, kind, inner, entry, archive, ours, files.notes, owned)
    return replace(context, digest=f"sha256:{whole}", fetched=fetched)


def _inside(entry: Entry) -> bool:
    return entry.path.startswith("context/")


def _dockerfile(files: _Files, dockerfile: str) -> str:
    """The Dockerfile's path in the context, without what leads nowhere. Raises `ContextError`."""
    path = os.path.normpath(dockerfile)
    if PurePosixPath(path).is_absolute() or path.startswith("..") or "://" in dockerfile:
        raise ContextError(
            f"the Dockerfile {dockerfile} is not in {files.source}, where docker looks for it; "
            "give its path in there with -f, or `dockerfile` in [builds]"
        )
    file = files.folder / path
    if not file.is_file():
        raise ContextError(
            f"{files.source} has no Dockerfile at {path}; name it with -f FILE, or `dockerfile` "
            "in [builds]"
        )
    if not file.resolve().is_relative_to(files.folder.resolve()):
        raise ContextError(f"{files.source}: its Dockerfile {path} is a link to a file outside it")
    return path


def _cloned(source: str, ours: Path) -> _Files:
    git = git_source(source)
    cloned = clone(git, ours)
    named = git.at(cloned.commit)
    notes = [f"the context was cloned once, here, for all hosts: {named}"]
    if cloned.submodules:
        notes.append(
            "the context has submodules: BuildKit's own clone has a file .git in each, whose text "
            "differs from clone to clone, so a COPY of such a file has another key there than here"
        )
    return _Files(cloned.folder, named, float(cloned.committed_at), tuple(notes))


def _unpacked(source: str, ours: Path) -> _Files:
    """A tarball of this machine, of standard input or of a URL, unpacked."""
    kind, shown = fetched_kind(source), _shown(source)
    file = ours / "tarball"
    if kind == "url":
        _download(source, file)
    elif kind == "stdin":
        if sys.stdin is None or sys.stdin.isatty():
            raise ContextError("the build context - is a tarball on standard input: `- < FILE.tar`")
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, _BLOCK)
    else:
        file = Path(source).expanduser()
        if not file.is_file():
            raise ContextError(f"the build context {source} {_why_no_file(file)}")
    folder = ours / "context"
    folder.mkdir()
    folder.chmod(0o755)
    members = unpack(file, folder, shown)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    named = f"{shown} (sha256:{digest[:12]})"
    return _Files(
        folder, named, members, (f"the context was unpacked once, here, for all hosts: {named}",)
    )


def _why_no_file(file: Path) -> str:
    return "is not a file" if file.exists() else "does not exist"


def _shown(source: str) -> str:
    """The context's name, to be kept and shown."""
    return "standard input" if source == STDIN else without_credentials(source)


def _download(url: str, file: Path) -> None:
    """Raises `ContextError`."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as got, file.open("wb") as copy:
            shutil.copyfileobj(got, copy, _BLOCK)
            wanted = got.headers.get("Content-Length")
            if wanted is not None and wanted.isdigit() and copy.tell() != int(wanted):
                raise ContextError(f"{_shown(url)} broke off after {copy.tell()} bytes; try again")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ContextError(
            f"{_shown(url)} cannot be fetched on this machine: {error}; download it and name the "
            "file"
        ) from None
