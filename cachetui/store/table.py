"""What a store asks of a table of its entries, wherever that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from cachetui.store.sizes import Row

_T = TypeVar("_T")


class Table(Protocol):
    """Text and bytes by key. Threads and processes may share it.

    Every method raises `StoreError`: what could not be kept or read, and what would help.
    """

    def __contains__(self, key: str) -> bool: ...
    def put(self, key: str, value: str | bytes | Path, what: str) -> None:
        """Keep text, bytes, or the content of a file, whole or not at all; `what` is for the
        message."""
        ...

    def put_small(self, key: str, text: str, what: str) -> None:
        """The same for what is to be kept even where there is hardly any room."""
        ...

    def put_record(self, key: str, record: object, what: str) -> None:
        """Keep a record as JSON with a checksum."""
        ...

    def text(self, key: str) -> str | None:
        """The text under a key, None when there is none."""
        ...

    def texts(self, keys: Iterable[str]) -> dict[str, str]:
        """The texts under these keys, by key."""
        ...

    def json(self, key: str) -> str | None:
        """The JSON of the record under a key, without its checksum; None when there is none. Raises
        `ValueError` when it is damaged."""
        ...

    def record(self, key: str, kind: type[_T]) -> _T | None:
        """The record under a key; None when there is none, or when it is damaged, which is told."""
        ...

    def records(self, prefix: str, kind: type[_T]) -> Iterator[_T]:
        """The whole records whose keys begin so, in the order of keeping."""
        ...

    def records_of(self, keys: Iterable[str], kind: type[_T]) -> dict[str, _T]:
        """The whole records under these keys, by key."""
        ...

    def file(self, key: str) -> BinaryIO | None:
        """The bytes under a key, read piece by piece, for the caller to close; None when there are
        none."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, in the order of keeping."""
        ...

    def delete(self, key: str) -> None:
        """Remove what is under a key, if anything."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What the block keeps is kept at once, or not at all, and no other such block of anybody's
        runs meanwhile."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove what is under these keys, all or nothing."""
        ...

    def rows(self) -> dict[str, Row]:
        """What each entry takes."""
        ...

    def compact(self) -> None:
        """Give the room of removed entries back, as far as nobody reads them."""
        ...
