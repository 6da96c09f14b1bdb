"""Tests on engines that take turns: each marked `takes_turns` runs on one day of the week.

They go through many cases of one promise, and all of them together would take longer than a run of
CI may. `make test-all` has them all.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence

DAYS = 7
"""The days after which each of these tests was run."""


def turn(which: str, today: datetime.date) -> int | None:
    """Whose turn it is, from 0, by the value of `--surprises`; None: everyone's."""
    if which == "all":
        return None
    named = re.fullmatch(rf"([1-{DAYS}])/{DAYS}", which)
    return int(named[1]) - 1 if named else today.toordinal() % DAYS


def waiting(files: Sequence[str], number: int) -> list[bool]:
    """For tests that take turns, each given by its file: whether it waits for another day. Those of
    one file are spread over the days."""
    before: Counter[str] = Counter()
    waits = []
    for file in files:
        waits.append(before[file] % DAYS != number)
        before[file] += 1
    return waits
