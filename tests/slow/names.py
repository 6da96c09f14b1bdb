"""The list of slow tests: one `file::function` a line, sorted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

PLACE = Path(__file__).with_name("tests.txt")


def name_of(node_id: str) -> str:
    """The name of a test in the list: its id in pytest without its parameters."""
    return node_id.partition("[")[0]


@cache
def slow_tests(place: Path = PLACE) -> frozenset[str]:
    """The names in the list."""
    return frozenset(place.read_text(encoding="utf-8").split())


def write(names: Iterable[str], place: Path = PLACE) -> None:
    """Make these the list."""
    place.write_text("".join(f"{name}\n" for name in sorted(set(names))), encoding="utf-8")


def mark(item: pytest.Item, slow: frozenset[str]) -> None:
    """Give a test that is one of these its marker `slow`."""
    if name_of(item.nodeid) in slow:
        item.add_marker(pytest.mark.slow)
