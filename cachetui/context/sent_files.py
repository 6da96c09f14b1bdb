"""The list of a sent context's files, which goes along and stays beside it on the host: by it a
later context, most of whose files are the same, is put together there from this one's.

A line a file: its type and mode (hexadecimal, as `stat -c %f`), size, time of change in seconds
and the nanoseconds beyond, then digest and path as `sha256sum` has them.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
from collections.abc import Iterable, Mapping

from cachetui.context.manifest import Entry, Source

SENT = ".sent"
"""What the list is called. A context has nothing of that name: it is below `context/`."""

_PLAIN = re.compile(r"[^\0-\x1f\\]+")
"""Names that any `sha256sum`, `xargs` and `cut` reads as they are."""

_LINE = re.compile(
    rb"(?P<kind>[0-9a-f]{4} [0-9]+ -?[0-9]+ [0-9]{1,9} [0-9a-f]{64})  "
    rb"(?P<path>(?:Dockerfile|contexts?/)[^\0-\x1f\\]*)"
)


def sent_line(entry: Entry, source: Source) -> bytes | None:
    """The line of an entry, without its end. None for what is no file, or has a name that not every
    tool reads. Raises `OSError`."""
    if entry.kind != "file" or not _PLAIN.fullmatch(entry.path):
        return None
    time = 0 if isinstance(source, bytes) else os.lstat(source).st_mtime_ns
    seconds, nanoseconds = divmod(time, 1_000_000_000)
    mode = stat.S_IFREG | entry.mode
    line = f"{mode:x} {entry.size} {seconds} {nanoseconds} {entry.sha256}  {entry.path}"
    return line.encode("utf-8", "surrogateescape")


def sent_list(lines: Iterable[bytes]) -> bytes:
    """A tar member that holds the list."""
    data = b"".join(line + b"\n" for line in lines)
    info = tarfile.TarInfo(SENT)
    info.mode, info.size = 0o600, len(data)
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)


def same_files(ours: Mapping[str, bytes], theirs: bytes) -> dict[str, str]:
    """Path in a context → path of the same file in what a host's list says was sent: equal in
    bytes, mode and time. `ours` has the line of each path, `theirs` is data of the host.

    No file of theirs is given twice: two files that were one there would count as hard links of
    each other, which is an input of the legacy builder's key (moby `pkg/archive`).
    """
    found: dict[bytes, dict[str, None]] = {}
    for line in theirs.split(b"\n")[:-1]:  # behind the last line's end is nothing, or half a line
        match = _LINE.fullmatch(line)
        if match is not None and b".." not in match["path"].split(b"/"):
            path = match["path"].decode("utf-8", "surrogateescape")
            found.setdefault(match["kind"], {})[path] = None
    kinds = {path: kind_of(line) for path, line in ours.items()}
    same = {path: path for path, kind in kinds.items() if path in found.get(kind, ())}
    for path in same:
        del found[kinds[path]][path]
    for path, kind in kinds.items():
        if path not in same and found.get(kind):
            same[path] = found[kind].popitem()[0]
    return same


def kind_of(line: bytes) -> bytes:
    """What a line says of its file but for the path."""
    return line.partition(b"  ")[0]
