"""Which surprises are played on engines: all, or a set of them that is another one each day.

To play one takes as long as its builds do. Those that are not played are replayed from their
recordings, which `make test-without-engines` does with all.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import pytest

from tests.turns import DAYS

SETS = DAYS
"""The days after which each surprise was played."""


def to_play(ids: Sequence[str], which: str, today: datetime.date) -> tuple[list[str], str]:
    """Those of these surprises that `which` means, and the words for it. `which` is "all", "today"
    (the set of the day), "2/14" (the second of fourteen sets), or ids with commas between. Raises
    `pytest.UsageError`."""
    if which == "all":
        return list(ids), "all"
    said = ""
    if which == "today":
        which = f"{today.toordinal() % SETS + 1}/{SETS}"
        said = f" of {today} (again with --surprises={which})"
    if (match := re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", which)) is not None:
        number, sets = int(match[1]), int(match[2])
        if number <= sets:
            return list(ids[number - 1 :: sets]), f"set {which}{said}"
    named = which.split(",")
    if set(named) <= set(ids):
        return named, "as named"
    raise pytest.UsageError(
        f"--surprises={which}: all, today, 1/{SETS}, or ids of {', '.join(ids)}"
    )
