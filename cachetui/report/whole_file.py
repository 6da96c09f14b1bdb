"""A file that is written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, or beside what it leads to, which is gone afterwards."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.part")
    try:
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` when the block ends well. Raises `OSError`.

    A link stays a link. What is there and no file (a device, a pipe) is given as it is: it cannot
    be there in part, and must not be replaced.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    with part_of(path) as part:
        yield part
        part.replace(path.resolve())
