"""Base of every record, and the version of the schema that they follow."""

from __future__ import annotations

import msgspec

SCHEMA = 1


class Record(msgspec.Struct, frozen=True):
    """Base of every record; unknown fields of a newer version are ignored when read."""
