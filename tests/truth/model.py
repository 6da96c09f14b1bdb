"""A build as a value: stages, the files of its context, ignore files and options."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Place = tuple[int, int]
"""A step: its stage, and its place in it (FROM is 0)."""

SALT = "@SALT@"
"""Replaced by a text of one length that no other case has, so that no cache knows the build."""

FIRST_TIME = 1_760_000_000
"""The modification time of a file that nothing touched."""


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of the context. `text` is a file's bytes or a link's target; `age`
    counts what touched it."""

    kind: Literal["file", "folder", "link"]
    text: str = ""
    mode: int = 0o644
    age: int = 0


@dataclass(frozen=True)
class Line:
    """An instruction. `reads` are the context paths that it copies or mounts, links resolved, as
    globs of path segments; `above` are comment lines right above it. `written` is how it stands in
    the Dockerfile, where that is another writing of `text`."""

    text: str
    reads: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    written: str | None = None

    @property
    def keyword(self) -> str:
        return self.text.split(None, 1)[0].upper()


@dataclass(frozen=True)
class Stage:
    """`base` is what FROM names; the base's ONBUILD triggers read `triggers`."""

    base: str
    lines: tuple[Line, ...]
    name: str
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """All that a build is made of. `ignore` are the lines of .dockerignore, `own_ignore` those of
    Dockerfile.dockerignore (None: there is none)."""

    stages: tuple[Stage, ...]
    tree: Mapping[str, Entry]
    head: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    own_ignore: tuple[str, ...] | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    docker_args: tuple[str, ...] = ()
    network: str = "none"
    target: str | None = None

    @property
    def dockerfile(self) -> str:
        rows = list(self.head)
        for stage in self.stages:
            rows.append(f"FROM {stage.base} AS {stage.name}")
            for line in stage.lines:
                rows += [*line.above, line.written or line.text]
        return "\n".join(rows) + "\n"

    def line_numbers(self) -> dict[Place, int]:
        """Where each instruction begins in the Dockerfile, 1-based."""
        numbers: dict[Place, int] = {}
        row = len(self.head) + 1
        for number, stage in enumerate(self.stages):
            numbers[number, 0] = row
            row += 1
            for index, line in enumerate(stage.lines, start=1):
                row += len(line.above)
                numbers[number, index] = row
                row += (line.written or line.text).count("\n") + 1
        return numbers

    @property
    def context(self) -> dict[str, Entry]:
        """The files of the context, the Dockerfile and the ignore files among them."""
        tree = {**self.tree, "Dockerfile": Entry("file", self.dockerfile)}
        if self.ignore:
            tree[".dockerignore"] = Entry("file", "\n".join(self.ignore) + "\n")
        if self.own_ignore is not None:
            tree["Dockerfile.dockerignore"] = Entry("file", "\n".join(self.own_ignore) + "\n")
        return tree

    def lines(self) -> Iterator[tuple[Place, Line]]:
        """Every instruction but the FROMs, with its place."""
        for number, stage in enumerate(self.stages):
            for index, line in enumerate(stage.lines, start=1):
                yield (number, index), line

    def readers(self) -> Iterator[tuple[Place, tuple[str, ...]]]:
        """Every step that reads the context, with what it reads; triggers stand at their FROM."""
        for number, stage in enumerate(self.stages):
            if stage.triggers:
                yield (number, 0), stage.triggers
        for place, line in self.lines():
            if line.reads:
                yield place, line.reads

    def has_mounts(self) -> bool:
        """Whether only BuildKit can build it."""
        return any("--mount" in line.text for _, line in self.lines())


def write(build: Build, folder: Path, salt: str) -> None:
    """Write the context of a build, with fixed modes and times."""
    times: list[tuple[Path, int]] = []
    context = build.context
    for name, entry in sorted(context.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = entry.text.replace(SALT, salt)
        if entry.kind == "folder":
            path.mkdir(exist_ok=True)
        elif entry.kind == "link":
            path.symlink_to(text)
        else:
            path.write_bytes(text.encode("latin-1"))
        times.append((path, FIRST_TIME + 60 * entry.age))
    for path in sorted((one for one in folder.rglob("*") if not one.is_symlink()), reverse=True):
        known = context.get(str(path.relative_to(folder)))
        path.chmod(known.mode if known else 0o755)
    for path, seconds in reversed(times):
        os.utime(path, (seconds, seconds), follow_symlinks=False)
