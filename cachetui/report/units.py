"""Figures for people: seconds, bytes, ages, ratios. Short, and never more exact than measured."""

from __future__ import annotations

from cachetui.findings.wording import duration

NOTHING = "–"
"""What stands where there is no figure."""


def seconds(value: float | None) -> str:
    """A time in seconds: "0.4s", "59.9s", "2m05s", "1h02m"; `NOTHING` for None."""
    return NOTHING if value is None else duration(value)


def size(value: int | None) -> str:
    """A number of bytes in decimal units, as docker prints them: "512 B", "1.2 MB"."""
    if value is None:
        return NOTHING
    if abs(value) < 1000:
        return f"{value} B"
    amount = value / 1000
    units = ["kB", "MB", "GB", "TB"]
    while abs(amount) >= 999.5 and len(units) > 1:
        amount /= 1000
        del units[0]
    return f"{amount:.1f} {units[0]}" if abs(amount) < 99.95 else f"{amount:.0f} {units[0]}"


def span(value: float) -> str:
    """A rough length of time, from seconds: "under a minute", "5 min", "3 h", "2 d"."""
    if value < 60:
        return "under a minute"
    if value < 3600:
        return f"{int(value // 60)} min"
    if value < 2 * 86400:
        return f"{int(value // 3600)} h"
    return f"{int(value // 86400)} d"


def age(value: float) -> str:
    """How long ago, from seconds: "just now", "5 min ago", "3 h ago", "2 d ago"."""
    return "just now" if value < 60 else f"{span(value)} ago"


def percent(ratio: float | None) -> str:
    """A ratio from 0 to 1 as "75%": 100% and 0% only where nothing is missing or there."""
    if ratio is None:
        return NOTHING
    rounded = round(ratio * 100)
    if ratio < 1:
        rounded = min(rounded, 99)
    if ratio > 0:
        rounded = max(rounded, 1)
    return f"{rounded}%"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 host", "4 hosts"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def steps_below(steps: int, below: int) -> str:
    """Where a cause shows: "1 step, and 7 more because of it", "2 steps" where nothing followed."""
    of_it = "it" if steps == 1 else "them"
    return count(steps, "step") + (f", and {below} more because of {of_it}" if below else "")
