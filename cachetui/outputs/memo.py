"""Results that follow from what the store holds, kept in the store: images can have many files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

from cachetui import __version__
from cachetui.records.from_json import from_json
from cachetui.records.to_json import to_json

if TYPE_CHECKING:
    from cachetui.store.database import Store

_T = TypeVar("_T")

_VERSION = 1
"""Increase it when the same input gives another result."""


class NotWhole(Exception):
    """A result that is not to be kept, because a part of it could not be read: `result`."""

    def __init__(self, result: object) -> None:
        super().__init__("a result that is not whole")
        self.result = result


def remembered(store: Store, what: object, kind: type[_T], work: Callable[[], _T]) -> _T:
    """What `work` gives, kept under a digest of all that it follows from (`what`, as JSON)."""
    from cachetui.store.troubles import StoreError

    key = hashlib.sha256(to_json([_VERSION, __version__, what])).hexdigest()
    data = store.blob(f"followed:{key}")
    if data is not None:
        with data:
            try:
                return from_json(data.read(), kind)
            except msgspec.MsgspecError:
                pass  # damaged: it is worked out again
    try:
        result = work()
    except NotWhole as partly:
        return partly.result  # type: ignore[return-value]
    with suppress(StoreError):  # it costs time the next time, and nothing else
        store.keep_blob(f"followed:{key}", to_json(result))
    return result
