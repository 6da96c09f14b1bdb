"""What is behind a store: its tables, its secret, and who uses it now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cachetui.store.secret import OpenedSecret
from cachetui.store.sizes import Kind, Row
from cachetui.store.table import Table


class Use(Protocol):
    """What this process and others do with a store, while none of it may be removed."""

    def working(self) -> AbstractContextManager[None]:
        """An audit or an experiment is under way: nothing is removed meanwhile. Raises
        `StoreError`."""
        ...

    def nobody_working(self) -> AbstractContextManager[bool]:
        """Whether no audit or experiment is under way; then none begins before the block ends."""
        ...

    def use(self, audit: str) -> None:
        """The audit is looked at, until `close`."""
        ...

    def used(self, audit: str) -> bool:
        """Whether anybody looks at an audit."""
        ...

    def close(self) -> None:
        """No audit is looked at any more."""
        ...


class Backing(Protocol):
    """Where a store's entries are. `where` says it to people, without any password. `folder` is on
    this machine (mode 0700): notes on hosts, files of runs under way, and copies of layers are
    there."""

    @property
    def where(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def runs(self) -> Table: ...
    @property
    def audits(self) -> Table: ...
    @property
    def blobs(self) -> Table: ...
    @property
    def in_use(self) -> Use: ...

    def secret(self) -> OpenedSecret:
        """The secret with which digests are keyed, made where there is none."""
        ...

    def prepare(self) -> None:
        """Find out whether results can be kept. Raises `StoreError`."""
        ...

    def keeping(self) -> AbstractContextManager[None]:
        """Around all that keeps one thing. Raises `StoreError` at its end where something of it
        was kept elsewhere."""
        ...

    def room(self) -> int:
        """Bytes that limits are for."""
        ...

    def overhead(self, rows: Mapping[str, Row]) -> float:
        """Bytes that tables take for each byte of a value in them."""
        ...

    def kinds(self, rows: Mapping[str, Row]) -> tuple[Kind, ...]:
        """What takes how much, largest first."""
        ...

    def close(self) -> None: ...
