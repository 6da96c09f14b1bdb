"""Tests on engines that take turns: each marked `takes_turns` runs on one of fourteen days.

They go through many cases of one promise, or take long, and all of them together would take longer
than a run of CI may. `make test-all` has them all. Those of a file that share what is dear to set
up are marked `takes_turns(together=True)`: one day has them all.
"""

from __future__ import annotations

import datetime
import zlib
from collections import Counter
from collections.abc import Sequence

DAYS = 14
"""The days after which each of these tests was run."""


def turn(which: str, today: datetime.date) -> int | None:
    """Whose turn it is, from 0, by the value of `--surprises`; None: everyone's."""
    if which == "all":
        return None
    named = {f"{number + 1}/{DAYS}": number for number in range(DAYS)}
    return named.get(which, today.toordinal() % DAYS)


def day_of_file(file: str) -> int:
    """The day, from 0, of the first of a file's tests: not the same one for all files."""
    return zlib.crc32(file.encode()) % DAYS


def waiting(tests: Sequence[tuple[str, bool]], number: int) -> list[bool]:
    """For tests that take turns, each given by its file and by whether it shares one day with all
    of them there: whether it waits for another day. Others of one file are spread over the days."""
    before: Counter[str] = Counter()
    waits = []
    for file, together in tests:
        waits.append((day_of_file(file) + before[file]) % DAYS != number)
        before[file] += not together
    return waits
