"""A column of a table. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

MORE_SIGN_WIDTH = 4
"""Cells that the sign for columns out of view takes in the heading of a table."""


@dataclass(frozen=True, slots=True)
class Column:
    """`titles` are the lines of its heading. It is from `min_width` to `max_width` cells wide;
    columns share the cells that are left over by the weights `grow`."""

    key: Hashable
    titles: tuple[str, ...]
    min_width: int
    grow: int = 0
    max_width: int = 1000
    align: Literal["left", "right"] = "left"
