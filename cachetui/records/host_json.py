"""JSON that a host wrote: data of a stranger, nested as deeply as they like."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from cachetui.records.from_json import from_json

_T = TypeVar("_T")

_TOO_DEEP = "JSON nested too deeply"


def loads(text: str | bytes) -> Any:
    """As `json.loads`. Raises `ValueError`, for JSON that is nested too deeply as well."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def decode(data: str | bytes, kind: type[_T]) -> _T:
    """As `msgspec.json.decode`. Raises `msgspec.DecodeError`, for JSON that is nested too deeply as
    well."""
    try:
        return from_json(data, kind)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None
