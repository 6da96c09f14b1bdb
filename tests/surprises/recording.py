"""What the store held of a surprise after it was played on the real engines, kept as it was.

One file a part: `recordings/ID.PART.jsonl.gz`. Its first line says what was played and when; each
further line is a record of the store, its JSON untouched. Findings are pure: put back into a store,
a recording shows every later version of the rules what the engines gave.
"""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cachetui.store.database import Store
from cachetui.store.plain_cache import PlainCache
from cachetui.store.spare import Spare
from tests.surprises.secret import give_secret
from tests.surprises.surprise import HERE, Surprise

FOLDER = HERE / "recordings"
KEPT = {
    "audits": ("doc:", "entry:", "proof:"),
    "runs": ("run:", "manifest:"),
    "blobs": ("contents:", "image:", "layer:", "layer-meta:"),
}
"""Caches of the store → how the keys begin that findings read. Not among them are logs, and what
was worked out of images and remembered: that is to be worked out anew."""

JUDGED = ("check", "EXPECTED", "NOT_THERE")
"""What case.py says of findings: it may change without another recording."""

OWN = (*(rf"(?<![\w./-])/{folder}\b" for folder in ("tmp", "home", "root", "work")), r"\b{host}\b")
"""What a recording must not name: folders of the machine that made it, and its name."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`played` tells whether the surprise is still the one that was recorded (see `played`);
    `recorded` is a day, as 2026-11-26."""

    surprise: str
    part: str
    played: str
    recorded: str


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record of the store: its JSON, or what is not JSON as base64."""

    cache: str
    key: str
    record: msgspec.Raw = msgspec.Raw(b"null")
    base64: str = ""


class NotNeutral(Exception):
    """A recording names the machine that made it: says where."""


def file_of(surprise: str, part: str) -> Path:
    return FOLDER / f"{surprise}.{part}.jsonl.gz"


def played(surprise: Surprise, part: str) -> str:
    """A digest of what a recording is made of: the part's build, and what case.py does with it."""
    whole = hashlib.sha256()
    for path in sorted((surprise.folder / part).rglob("*")):
        if path.is_file():
            name = str(path.relative_to(surprise.folder))
            whole.update(f"{name}\0{path.read_text()}\0".encode())
    text = (surprise.folder / "case.py").read_text()
    left_out: set[int] = set()
    for node in ast.parse(text).body:
        if _names(node) & set(JUDGED) or isinstance(node, ast.Expr | ast.Import | ast.ImportFrom):
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number, line in enumerate(text.splitlines(), 1):
        if number not in left_out and line.strip():
            whole.update(f"{line}\n".encode())
    return whole.hexdigest()


def _names(node: ast.stmt) -> set[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


def encode(head: Head, store: Path) -> bytes:
    """The recording of a store's folder. Raises `NotNeutral`."""
    lines = b"".join(msgspec.json.encode(line) + b"\n" for line in (head, *_rows(store)))
    text = lines.decode("utf-8", "surrogateescape")
    for pattern in OWN:
        own = re.search(pattern.replace("{host}", re.escape(socket.gethostname())), text)
        if own is not None:
            said = text[max(0, own.start() - 200) : own.end() + 200]
            raise NotNeutral(f"{head.surprise}, {head.part}: {own[0]} in {said!r}")
    return gzip.compress(lines, mtime=0)


def _rows(store: Path) -> Iterator[Row]:
    for name, beginnings in KEPT.items():
        cache = PlainCache(store / name, store / "damaged", [], Spare(store / "spare"))
        for key in sorted(key for start in beginnings for key in cache.keys(start)):
            text = cache.json(key)
            if text is not None:
                yield Row(cache=name, key=key, record=msgspec.Raw(text.encode()))
            elif (file := cache.file(key)) is not None:
                with file:
                    yield Row(cache=name, key=key, base64=base64.b64encode(file.read()).decode())
        cache.close()


def head_of(recording: bytes) -> Head:
    """What a recording says of itself."""
    return msgspec.json.decode(gzip.decompress(recording).partition(b"\n")[0], type=Head)


def restore(recording: bytes, folder: Path) -> Store:
    """A store in a new folder that holds what was recorded, in the very bytes."""
    give_secret(folder)
    Store(folder).close()
    spare = Spare(folder / "spare")
    caches = {name: PlainCache(folder / name, folder / "damaged", [], spare) for name in KEPT}
    for line in gzip.decompress(recording).split(b"\n")[1:-1]:
        row = msgspec.json.decode(line, type=Row)
        text = bytes(row.record).decode()
        caches[row.cache].put(
            row.key, base64.b64decode(row.base64) if row.base64 else text, row.key
        )
    for cache in caches.values():
        cache.close()
    return Store(folder)


def save(surprise: Surprise, part: str, store: Path) -> Path:
    """Write the recording of what was just played; the file. Raises `NotNeutral`."""
    head = Head(
        surprise=surprise.id,
        part=part,
        played=played(surprise, part),
        recorded=time.strftime("%Y-%m-%d", time.gmtime()),
    )
    FOLDER.mkdir(exist_ok=True)
    file = file_of(surprise.id, part)
    file.write_bytes(encode(head, store))
    return file
