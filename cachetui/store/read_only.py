"""A store that cannot be written, such as one on a read-only mount: it is shown, not changed.

SQLite needs to write beside a file with a write-ahead log, even to read it. So its files are copied
for as long as the store is open; the large values beside them, and copies of layers, are linked.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from cachetui.context.own_folder import OwnFolder
from cachetui.store.folder_backing import FolderBacking
from cachetui.store.plain_cache import PlainCache
from cachetui.store.secret import FILE
from cachetui.store.sizes import CACHES, Kind, Row, kinds, room_of
from cachetui.store.troubles import StoreError, cannot_keep

_DATABASE = ("cache.db", "cache.db-wal")


def can_only_be_read(place: Path) -> bool:
    """Whether there is a store at that place whose files this user can read, and not write."""
    there = [place / name / _DATABASE[0] for name in CACHES]
    return all(os.access(file, os.R_OK) for file in there) and not os.access(place, os.W_OK)


class ReadOnlyBacking(FolderBacking):
    """See `Backing`: all that would keep, change or remove something raises `StoreError`."""

    def __init__(self, place: Path, warnings: list[str]) -> None:
        self._place = place
        self._copy = OwnFolder()
        folder = self._copy.path
        try:
            _copy(place, folder)
        except OSError as error:
            raise cannot_keep("a copy of a store that is read-only", folder, error) from None
        super().__init__(folder, warnings)

    def _open(self, name: str) -> PlainCache:
        return _ReadOnlyCache(self, name, self._warnings)

    @property
    def where(self) -> str:
        return str(self._place.absolute())

    def refusal(self, what: str) -> StoreError:
        """The error to raise for what would have to be kept."""
        return cannot_keep(what, self._place, OSError(errno.EROFS, os.strerror(errno.EROFS)))

    def prepare(self) -> None:
        raise self.refusal("results")

    def room(self) -> int:
        return room_of(self._place)

    def kinds(self, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
        return kinds(self._place, rows)

    def close(self) -> None:
        super().close()
        self._copy.remove()


class _ReadOnlyCache(PlainCache):
    """A table of which nothing can be changed."""

    def __init__(self, backing: ReadOnlyBacking, name: str, warnings: list[str]) -> None:
        self._refusal = backing.refusal
        folder = backing.folder
        super().__init__(folder / name, folder / "damaged", warnings, backing.spare)

    def _reporting(self, what: str) -> NoReturn:
        """Around all that changes something."""
        raise self._refusal(what)


def _copy(place: Path, into: Path) -> None:
    """Raises `OSError`."""
    for name in CACHES:
        (into / name).mkdir(mode=0o700)
        for each in (place / name).iterdir():
            if each.name in _DATABASE:
                shutil.copyfile(each, into / name / each.name)
            elif each.is_dir():
                (into / name / each.name).symlink_to(each.absolute())
    if (place / "layers").is_dir():
        (into / "layers").symlink_to((place / "layers").absolute())
    if os.access(place / FILE, os.R_OK):
        shutil.copyfile(place / FILE, into / FILE)
