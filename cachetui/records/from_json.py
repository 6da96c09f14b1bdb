"""Records from JSON, in any thread.

msgspec looks at a type when the first value of it is decoded. A second thread that decodes one
meanwhile takes what is half looked at, and the process ends with a segmentation fault (msgspec
0.22; threads of hosts that each read their first stored run). So one thread at a time looks.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")

_looking = threading.Lock()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    """The decoder of a type, the same for all threads. Once it is there, `msgspec.convert` to the
    type is safe too."""
    found = _decoders.get(kind)
    if found is None:
        with _looking:
            found = _decoders.get(kind)
            if found is None:
                found = _decoders[kind] = msgspec.json.Decoder(kind)
    return found


def from_json(data: bytes | str, kind: type[_T]) -> _T:
    """The record that JSON holds. Raises `msgspec.MsgspecError` when it is none."""
    return decoder(kind).decode(data)
