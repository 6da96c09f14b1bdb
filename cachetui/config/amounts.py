"""Sizes and times as people write them: "2GB", "90d"."""

from __future__ import annotations

import re

_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {
    unit: 1000**power if not binary else 1024**power
    for power, letter in enumerate("KMGT", 1)
    for unit, binary in ((letter, False), (f"{letter}B", False), (f"{letter}IB", True))
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def seconds(text: str) -> float | None:
    """ "90", "30m", "12h", "7d" → seconds; None for what is no time."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _TIMES else (text, "s")
    try:
        value = float(number) * _TIMES[unit]
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def size(text: str) -> int | None:
    """ "500MB", "2 GB", "1.5GiB" → bytes; None for what is no size. A unit is needed."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    factor = {"B": 1, **_SIZES}.get(found[2].upper())
    return round(float(found[1]) * factor) if factor is not None else None
