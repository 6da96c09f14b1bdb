"""A store's entries in a folder of this machine, in three diskcaches: the default."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cachetui.store.cache_damage import FAILURES
from cachetui.store.in_use import StoreUse
from cachetui.store.plain_cache import PlainCache
from cachetui.store.secret import OpenedSecret, open_secret
from cachetui.store.sizes import Kind, Row, kinds, room_of, table_bytes
from cachetui.store.spare import Spare
from cachetui.store.troubles import cannot_keep

_TRIAL_BYTES = 64 * 1024


class FolderBacking:
    """See `Backing`; `spare` is room set aside. Raises `StoreError` when the folder cannot be made
    or opened; what was set aside as damaged is told in `warnings`."""

    def __init__(self, folder: Path, warnings: list[str]) -> None:
        self.folder = folder
        self._warnings = warnings
        self.spare = Spare(folder / "spare")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            self.runs = self._open("runs")
            self.audits = self._open("audits")
            self.blobs = self._open("blobs")
            self.in_use = StoreUse(folder / "in-use")
        except FAILURES as error:
            raise cannot_keep("results", folder, error) from None

    def _open(self, name: str) -> PlainCache:
        return PlainCache(self.folder / name, self.folder / "damaged", self._warnings, self.spare)

    @property
    def where(self) -> str:
        return str(self.folder.absolute())

    def secret(self) -> OpenedSecret:
        return open_secret(self.folder)

    def prepare(self) -> None:
        """Also sets room aside for the case that the disk fills up meanwhile."""
        trial = f"trial:{time.time_ns()}"
        self.runs.put(trial, bytes(_TRIAL_BYTES), "results")
        self.runs.delete(trial)
        self.spare.set_aside()

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Nothing is ever kept elsewhere."""
        yield

    def room(self) -> int:
        return room_of(self.folder)

    def overhead(self, rows: Mapping[str, Row]) -> float:
        in_tables = sum(row.in_table for row in rows.values())
        return table_bytes(self.folder) / max(1, in_tables)

    def kinds(self, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
        return kinds(self.folder, rows)

    def close(self) -> None:
        self.in_use.close()
        for table in (self.runs, self.audits, self.blobs):
            table.close()
