"""The build context: the folder's files that `.dockerignore` lets through.

What is sent is everything that either builder would see: the legacy builder reads `.dockerignore`
alone, BuildKit prefers `<Dockerfile>.dockerignore` where there is one (BuildKit
`frontend/dockerui/context.go`). Dockerfile and ignore files always go along, so that docker on
the host applies them again, by its own rules, to the very same effect.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from e2b_dockerfile_utils import PatternMatcher

from cachetui.config.context_source import FetchedKind
from cachetui.context.known_digests import KnownDigests
from cachetui.context.manifest import (
    ContextError,
    Entry,
    Source,
    make_manifest,
    manifest_digest,
)
from cachetui.context.sent_files import sent_line, sent_list
from cachetui.context.tar import tar_member

NOTHING_IGNORED = "# nothing is left out\n"
"""The ignore file of a context that BuildKit takes whole."""


@dataclass(frozen=True)
class Fetched:
    """How a context was had that is no folder: `source` as docker takes it, of a repository with
    its commit; `dockerfile` its path in it. `entry` and `archive` are the tar that docker gets on
    standard input, in what is sent and on this machine, where it goes with `folder`. `notes` are
    sentences on what was fetched; `has_owners`: not all of it is root's."""

    source: str
    kind: FetchedKind
    dockerfile: str
    entry: Entry
    archive: Path
    folder: object = None
    notes: tuple[str, ...] = ()
    has_owners: bool = False

    @property
    def no_parts(self) -> str:
        """Why no other Dockerfile is built with this context, with the remedy."""
        way = "clone" if self.kind == "git" else "unpack"
        return (
            f"{self.source} has a Dockerfile of its own, and COPY . has another key where the "
            f"context is a folder here: {way} it, and name the folder"
        )


@dataclass(frozen=True)
class Context:
    """A context as it was read. `dockerfile` is its path from the folder that is sent, which holds
    `context/` and, for a Dockerfile from elsewhere, `Dockerfile` beside it, and the named contexts
    below `contexts/`. `digest` covers path,
    kind, mode, size, content and link target of every entry; times and owners are not in it.
    """

    root: Path
    dockerfile: str
    dockerfile_text: str
    entries: tuple[Entry, ...]
    sources: dict[str, Source]
    digest: str
    size: int
    left_out: tuple[str, ...]
    ignore_files: dict[str, str] = field(default_factory=dict)
    fetched: Fetched | None = None

    @property
    def files(self) -> int:
        return sum(entry.kind in ("file", "link") for entry in self.entries)

    def tar_members(self, linked: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """The folder to send, and the list of its files, as the members of a GNU tar, streamed,
        without the tar's end. Of what is `linked`, path → where it is on the host, only that is
        sent. Raises `ContextError` when a file is no longer what the manifest says: what is built
        must be what was read."""
        lines: list[bytes] = []
        for entry in self.entries:
            source = self.sources[entry.path]
            where = (linked or {}).get(entry.path)
            if where is None:
                yield from tar_member(entry, source)
            else:
                there = msgspec.structs.replace(entry, kind="link", size=0, target=where)
                yield from tar_member(there, b"")
            line = self._line(entry)
            if line is not None:
                lines.append(line)
        if self.fetched is not None:
            yield from tar_member(self.fetched.entry, str(self.fetched.archive))
        yield sent_list(lines)

    def file_lines(self) -> dict[str, bytes]:
        """The line of each file in the list that goes along, as it is now; the largest file first.
        Empty where the files are elsewhere."""
        files = sorted((e for e in self.entries if e.kind == "file"), key=lambda entry: -entry.size)
        lines = {entry.path: self._line(entry) for entry in files if entry.path in self.sources}
        return {path: line for path, line in lines.items() if line is not None}

    def _line(self, entry: Entry) -> bytes | None:
        try:
            return sent_line(entry, self.sources[entry.path])
        except OSError as error:
            raise ContextError(f"cannot read {entry.path}: {error.strerror}") from None


def read_context(
    folder: Path,
    dockerfile: str = "Dockerfile",
    named: Mapping[str, Path] | None = None,
    inline: str | None = None,
    known: KnownDigests | None = None,
) -> Context:
    """Read the context below `folder`, and the `named` ones; `dockerfile` is relative to it, or
    absolute. `inline` is the Dockerfile's text where no file has it. Files that are `known` are not
    read again.

    Raises `ContextError` for a folder or Dockerfile that is not there or cannot be read, and for
    a broken ignore pattern.
    """
    root = _root(folder, "the build context")
    name, file, text = _dockerfile(root, dockerfile, inline)
    ignore_files = {
        path: source
        for path, source in (
            ("context/.dockerignore", root / ".dockerignore"),
            (f"{name}.dockerignore", file.with_name(f"{file.name}.dockerignore")),
        )
        if source.is_file() and (inline is None or path.startswith("context/"))
    }
    ignores = [_ignore(source) for source in ignore_files.values()]
    if list(ignore_files) == [f"{name}.dockerignore"]:
        ignores.append(PatternMatcher([]))  # the legacy builder then sends all
    walk = _Walk("context", root, ignores)
    walk.folder(str(root), "", wanted=True)
    given: dict[str, Source] = {name: str(file) if inline is None else inline.encode()}
    given |= {path: str(source) for path, source in ignore_files.items()}
    texts = {path: _read_text(source) for path, source in ignore_files.items()}
    return _made(walk, name, text, given, texts, named, known)


def read_whole(
    folder: Path,
    dockerfile: str,
    named: Mapping[str, Path] | None = None,
    *,
    legacy_ignores: bool,
) -> Context:
    """Read a context of which BuildKit leaves nothing out; `dockerfile` is a path in it. It lies
    beside it too, with an ignore file of its own. The legacy builder goes by `.dockerignore` where
    `legacy_ignores` says so. Raises as `read_context` does."""
    root = _root(folder, "the build context")
    text = _read_text(root / dockerfile)
    walk = _Walk("context", root, [])
    walk.folder(str(root), "", wanted=True)
    given: dict[str, Source] = {
        "Dockerfile": text.encode(),
        "Dockerfile.dockerignore": NOTHING_IGNORED.encode(),
    }
    texts = {"Dockerfile.dockerignore": NOTHING_IGNORED}
    if legacy_ignores and (root / ".dockerignore").is_file():
        texts["context/.dockerignore"] = _read_text(root / ".dockerignore")
    return _made(walk, "Dockerfile", text, given, texts, named)


def _made(
    walk: _Walk,
    dockerfile: str,
    text: str,
    given: Mapping[str, Source],
    ignore_files: dict[str, str],
    named: Mapping[str, Path] | None,
    known: KnownDigests | None = None,
) -> Context:
    """The context of what was walked, of what is `given` beside, and of the named contexts."""
    for path, source in given.items():
        walk.add_parents(path)
        walk.sources.setdefault(path, source)
    for other, place in sorted((named or {}).items()):
        walk.sources |= _read_named(other, place, ignore_files)
    entries = make_manifest(walk.sources, known)
    return Context(
        root=walk.root,
        dockerfile=dockerfile,
        dockerfile_text=text,
        entries=entries,
        sources=walk.sources,
        digest=manifest_digest(entries),
        size=sum(entry.size for entry in entries if entry.kind == "file"),
        left_out=tuple(walk.left_out),
        ignore_files=ignore_files,
    )


def _root(folder: Path, what: str) -> Path:
    """The folder without links. Raises `ContextError`."""
    root = folder.resolve()
    if not root.is_dir():
        state = "is a file, not a folder" if root.exists() else "does not exist"
        raise ContextError(f"{what} {folder} {state}; name the folder to build")
    return root


def _read_named(name: str, folder: Path, ignore_files: dict[str, str]) -> dict[str, Source]:
    """What is sent of a named context; its ignore file's text is entered. BuildKit reads
    `.dockerignore` in its root alone (our lab: 26.1, 28.5)."""
    root = _root(folder, f"the named context {name},")
    top = f"contexts/{name}"
    own = root / ".dockerignore"
    walk = _Walk(top, root, [_ignore(own)] if own.is_file() else [])
    walk.folder(str(root), "", wanted=True)
    if own.is_file():
        ignore_files[f"{top}/.dockerignore"] = _read_text(own)
        walk.sources[f"{top}/.dockerignore"] = str(own)
    return walk.sources


def _dockerfile(root: Path, dockerfile: str, inline: str | None) -> tuple[str, Path, str]:
    """The Dockerfile's path in what is sent, its path here, and its text. One that is `inline`
    has no path here, and lies outside of the context. Raises `ContextError`."""
    if inline is not None:
        return "Dockerfile", root / "Dockerfile", inline
    if "://" in dockerfile:
        raise ContextError(
            f"the Dockerfile {dockerfile} is a URL, which each host would fetch for itself; "
            "download it and name the file"
        )
    file = Path(os.path.normpath(root / dockerfile))
    if dockerfile == "-" and not file.is_file():
        raise ContextError(
            "a Dockerfile cannot come from standard input, since every host needs it: "
            "name a file with -f FILE"
        )
    if not file.is_file():
        raise ContextError(
            f"no Dockerfile at {file}; name it with -f FILE, or `dockerfile` in [builds]"
        )
    inside = file.is_relative_to(root)
    name = f"context/{file.relative_to(root).as_posix()}" if inside else "Dockerfile"
    return name, file, _read_text(file)


class _Walk:
    """Collects what is sent: path in the sent folder → path here. `top` is where the folder
    `root` is in what is sent."""

    def __init__(self, top: str, root: Path, ignores: list[PatternMatcher]) -> None:
        self.top = top
        self.root = root
        self.ignores = ignores
        self.sources: dict[str, Source] = {}
        self.left_out: list[str] = []
        self._above: set[str] = set()

    def excluded(self, path: str) -> bool:
        """Whether every backend's ignore file leaves the path out."""
        for ignore in self.ignores:  # asked of each file: a generator would take as long again
            if not ignore.matches(path):
                return False
        return bool(self.ignores)

    def folder(self, folder: str, path: str, *, wanted: bool) -> None:
        """Take in a folder; one that is excluded is only walked for what `!` takes back in."""
        if wanted:
            self.sources[self.sent(path)] = folder
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise ContextError(
                f"cannot read the folder {folder}: {error.strerror}; "
                "make it readable, or leave it out in .dockerignore"
            ) from None
        for entry in entries:
            self.entry(entry, f"{path}/{entry.name}" if path else entry.name)

    def entry(self, entry: os.DirEntry[str], path: str) -> None:
        try:
            folder = entry.is_dir(follow_symlinks=False)
            sent = (
                folder
                or entry.is_file(follow_symlinks=False)
                or entry.is_symlink()
                or Path(entry.path).is_fifo()
            )
        except OSError as error:
            raise ContextError(f"cannot read {entry.path}: {error.strerror}") from None
        excluded = self.excluded(path)
        if folder:
            if not excluded or any(ignore.may_match_under(path) for ignore in self.ignores):
                self.folder(entry.path, path, wanted=not excluded)
        elif excluded:
            return
        elif sent:
            there = self.sent(path)
            self.add_parents(there)
            self.sources[there] = entry.path
        else:
            self.left_out.append(path)  # sockets and devices: docker's client sends no sockets

    def sent(self, path: str) -> str:
        """Where a path of the folder is in what is sent."""
        return f"{self.top}/{path}" if path else self.top

    def add_parents(self, sent: str) -> None:
        """Folders above a path that is sent are sent too, with the mode they have here."""
        folder = sent.rpartition("/")[0]
        if folder in self._above:
            return
        self._above.add(folder)
        parts = sent.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above == self.top or above.startswith(f"{self.top}/"):
                inner = above.removeprefix(self.top).lstrip("/")
                self.sources.setdefault(above, str(self.root / inner))


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
