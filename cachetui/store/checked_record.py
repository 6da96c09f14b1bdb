"""A record as text: JSON, a line break and its CRC-32 in hex."""

from __future__ import annotations

import zlib
from typing import TypeVar

from cachetui.records.from_json import from_json
from cachetui.records.to_json import to_json

_T = TypeVar("_T")

_CHECKED = 9
"""Characters after the JSON: a line break and its CRC-32 in hex."""


def to_checked(record: object) -> str:
    """The text that is kept of a record."""
    text = to_json(record).decode()
    return f"{text}\n{zlib.crc32(text.encode()):08x}"


def from_checked(text: str, kind: type[_T]) -> _T:
    """The record. Raises `ValueError`, of which msgspec's errors are, where it is damaged."""
    return from_json(json_of(text), kind)


def json_of(text: str) -> str:
    """The JSON of a record, without its checksum; those of earlier versions have none. Raises
    `ValueError`."""
    if text[-_CHECKED : 1 - _CHECKED] != "\n":
        return text
    json, checksum = text[:-_CHECKED], text[1 - _CHECKED :]
    if f"{zlib.crc32(json.encode('utf-8', 'surrogatepass')):08x}" != checksum:
        raise ValueError("its checksum does not match")
    return json
