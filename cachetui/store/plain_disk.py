"""How diskcache's values get into files: text and bytes only, readable by their user alone.

diskcache unpickles what it finds (CVE-2025-69872), so every key and value that is a pickle is
refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import diskcache
from diskcache.core import MODE_PICKLE


class Refused(Exception):
    """A row of the store holds a pickle, which is never loaded."""


def private_file(path: Path, buffering: int = -1) -> BinaryIO:
    """A new file to write that only its user can read, whatever the umask. Raises `OSError`."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.fdopen(file, "wb", buffering)


def _make_private(folder: Path, path: Path) -> None:
    path.chmod(0o600)
    for above in path.parents:
        if above == folder:
            return
        above.chmod(0o700)


class PlainDisk(diskcache.Disk):  # type: ignore[misc]
    """Keys are text; values are text or bytes."""

    def put(self, key: object) -> tuple[object, bool]:
        if not isinstance(key, str):
            raise TypeError(f"store keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> object:
        if not raw:
            raise Refused("a pickled key")
        return key

    def store(self, value: object, read: bool, key: object = diskcache.UNKNOWN) -> Any:
        if not read and not isinstance(value, str | bytes):
            raise TypeError(f"store values are text or bytes, not {type(value).__name__}")
        stored = super().store(value, read, key=key)
        if stored[2] is not None:
            _make_private(Path(self._directory), Path(self._directory, stored[2]))
        return stored

    def _write(self, full_path: str, *content: object, **options: object) -> Any:
        os.stat(self._directory)  # diskcache would make it anew where it is gone
        try:
            return super()._write(full_path, *content, **options)
        except BaseException:
            self.remove(os.path.relpath(full_path, self._directory))  # what there is of it
            raise

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:
        if mode == MODE_PICKLE:
            raise Refused("a pickled value")
        return super().fetch(mode, filename, value, read)
