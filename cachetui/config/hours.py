"""A part of each day, such as 22:00 to 06:00."""

from __future__ import annotations

import re
from time import struct_time

import msgspec

_TEXT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class Hours(msgspec.Struct, frozen=True):
    """From `begin` up to `end`, in minutes of the day; over midnight where `end` is the smaller."""

    begin: int
    end: int

    @classmethod
    def of(cls, text: str) -> Hours | None:
        """What "22:00-06:00" says, None for any other text."""
        match = _TEXT.fullmatch(text)
        if match is None:
            return None
        hour, minute, end_hour, end_minute = map(int, match.groups())
        hours = cls(hour * 60 + minute, end_hour * 60 + end_minute)
        return hours if hours.begin != hours.end else None

    def contain(self, at: struct_time) -> bool:
        """Whether a time of the day is one of them."""
        minute = at.tm_hour * 60 + at.tm_min
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (self.begin, self.end))
