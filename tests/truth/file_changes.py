"""Changes of the context. What steps read of it is the cause; nothing else has to be said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from tests.truth.changes import Change, changed_tree, kind
from tests.truth.ignoring import sees
from tests.truth.model import Build, Entry

OFTEN = 0.75
"""How often what is changed is something that a step reads."""


def _prefer(rng: Random, build: Build, paths: Iterable[str]) -> str:
    """One of these paths, often one that a step reads."""
    names = sorted(paths)
    read = [path for path in names if any(sees(reads, path) for _, reads in build.readers())]
    return rng.choice(read if read and rng.random() < OFTEN else names)


def _pick(rng: Random, build: Build, *kinds: str) -> str:
    return _prefer(rng, build, (p for p, e in build.tree.items() if e.kind in kinds))


def _touched(entry: Entry, **more: object) -> Entry:
    return replace(entry, age=entry.age + 1, **more)  # type: ignore[arg-type]


@kind("nothing")
def nothing(_rng: Random, build: Build) -> Change:
    return Change("nothing", build)


@kind("file-bytes")
def file_bytes(rng: Random, build: Build) -> Change:
    path = _pick(rng, build, "file")
    entry = build.tree[path]
    if path == "pack.tar":
        packed = _touched(entry, text=entry.text.replace("packed @", "filled @"))
        return Change("bytes of pack.tar", changed_tree(build, **{path: packed}))
    text = entry.text[:-2] + ("x\n" if entry.text[-2] != "x" else "y\n")
    if rng.random() < 0.5:
        text += "more\n"
    return Change(f"bytes of {path}", changed_tree(build, **{path: _touched(entry, text=text)}))


@kind("file-mode")
def file_mode(rng: Random, build: Build) -> Change:
    path = _pick(rng, build, "file")
    entry = build.tree[path]
    mode = rng.choice([m for m in (0o644, 0o664, 0o755, 0o600) if m != entry.mode])
    return Change(f"mode of {path}", changed_tree(build, **{path: replace(entry, mode=mode)}))


@kind("folder-mode")
def folder_mode(rng: Random, build: Build) -> Change:
    path = _pick(rng, build, "folder")
    entry = build.tree[path]
    mode = rng.choice([m for m in (0o755, 0o775, 0o700) if m != entry.mode])
    return Change(f"mode of {path}", changed_tree(build, **{path: replace(entry, mode=mode)}))


@kind("file-added")
def file_added(rng: Random, build: Build) -> Change:
    path = _prefer(
        rng, build, ("a/new.txt", "a/b/new.txt", "cfg/new", "z/new", "new.txt", "new.log")
    )
    return Change(f"{path} added", changed_tree(build, **{path: Entry("file", "new\n")}))


@kind("clutter-added")
def clutter_added(rng: Random, build: Build) -> Change:
    path = _prefer(rng, build, (".git/HEAD", "a/.three.txt.swp", "a/b/.DS_Store", "cfg/app.conf~"))
    return Change(f"{path} added", changed_tree(build, **{path: Entry("file", "new\n")}))


@kind("file-removed")
def file_removed(rng: Random, build: Build) -> Change:
    path = _prefer(rng, build, ("a/note.md", "a/b/two.txt", "z/unused.txt", "debug.log"))
    return Change(f"{path} removed", changed_tree(build, **{path: None}))


@kind("file-renamed")
def file_renamed(rng: Random, build: Build) -> Change:
    path = _prefer(rng, build, ("a/note.md", "a/b/two.txt", "z/unused.txt"))
    other = path.replace(".", "-2.")
    entry = build.tree[path]
    return Change(f"{path} renamed to {other}", changed_tree(build, **{path: None, other: entry}))


@kind("times-only")
def times_only(rng: Random, build: Build) -> Change:
    chosen = sorted(build.tree) if rng.random() < 0.5 else [_pick(rng, build, "file", "folder")]
    tree = {path: _touched(build.tree[path]) for path in chosen}
    return Change(f"time of {', '.join(chosen[:3])}", changed_tree(build, **tree))


@kind("empty-folder")
def empty_folder(rng: Random, build: Build) -> Change:
    path = _prefer(rng, build, ("a/b/void", "a/void", "cfg/void", "void"))
    return Change(
        f"folder {path} added", changed_tree(build, **{path: Entry("folder", mode=0o755)})
    )


@kind("link-target")
def link_target(rng: Random, build: Build) -> Change:
    path, target = rng.choice((("a/b/link", "two.txt"), ("ld", "./a/b")))
    return Change(
        f"{path} points to {target}", changed_tree(build, **{path: Entry("link", target)})
    )


@kind("link-to-file")
def link_to_file(_rng: Random, build: Build) -> Change:
    entry = build.tree["a/b/one.txt"]
    return Change(
        "a/b/link is a file of the same bytes", changed_tree(build, **{"a/b/link": entry})
    )


@kind("ignore-file")
def ignore_file(rng: Random, build: Build) -> Change:
    line = rng.choice(("# a comment", "nothing-like-this", "z", "a/note.md", "a/b/two.txt"))
    return Change(f".dockerignore has {line!r} more", replace(build, ignore=(*build.ignore, line)))


@kind("own-ignore-file")
def own_ignore_file(rng: Random, build: Build) -> Change | None:
    if build.own_ignore is None:
        return None
    line = rng.choice(("# a comment", "nothing-like-this", "a/note.md", "a/b/two.txt"))
    own = (*build.own_ignore, line)
    return Change(f"Dockerfile.dockerignore has {line!r} more", replace(build, own_ignore=own))
