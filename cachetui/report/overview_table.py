"""The overview of an audit in lines of a terminal: groups of hosts by scenarios. Cleaned text."""

from __future__ import annotations

from collections.abc import Collection

from cachetui.report import cells
from cachetui.report.overview import Overview, OverviewCell
from cachetui.report.style import paint

_NAMES_LEAST = 24
"""Cells for the names of hosts, if they need so many."""

_GAP = "  "


def text_lines(overview: Overview, brief: Collection[str], width: int, color: bool) -> list[str]:
    """The scenarios that are not in `brief`, in parts that fit the width, and the key below; empty
    where there is none. Each part begins with an empty line."""
    shown = [n for n, name in enumerate(overview.scenarios) if name not in brief]
    if not shown:
        return []
    widths = {n: _widest(overview, n) for n in shown}
    names = max(cells.width(name) for name, _ in overview.rows)
    room = width - sum(each + len(_GAP) for each in widths.values())
    least = min(_NAMES_LEAST, width - max(widths.values()) - len(_GAP))
    label = min(names, max(least, room))
    rows = [(_name(name, label, short=names > label), own) for name, own in overview.rows]
    lines: list[str] = []
    for part in _parts(widths, width - label):
        heads = _GAP.join(cells.pad(overview.scenarios[n], widths[n]) for n in part)
        lines += ["", f"{' ' * label}{_GAP}{paint(heads, 'bold', color)}"]
        for name, own in rows:
            told = (_cell(own[n], widths[n], color) for n in part)
            lines.append(f"{cells.pad(name, label)}{_GAP}{_GAP.join(told)}")
    key = " · ".join(filter(None, [overview.more, overview.key]))
    return [*lines, *(paint(line, "dim", color) for line in cells.wrap(key, width))]


def _widest(overview: Overview, number: int) -> int:
    texts = (overview.scenarios[number], *(own[number].text for _, own in overview.rows))
    return max(map(cells.width, texts))


def _parts(widths: dict[int, int], room: int) -> list[list[int]]:
    """The scenarios in as few parts as fit, at least one each."""
    parts: list[list[int]] = []
    left = 0
    for number, width in widths.items():
        left -= width + len(_GAP)
        if not parts or left < 0:
            parts.append([])
            left = room - width - len(_GAP)
        parts[-1].append(number)
    return parts


def _cell(cell: OverviewCell, width: int, color: bool) -> str:
    return paint(cells.pad(cell.text, width), "odd" if cell.odd else "", color)


def _name(name: str, width: int, *, short: bool) -> str:
    """The name of a group ("ci-[2,5,…] (7 hosts)") within a width, with how many they are: "(7)"
    where it is to be `short`."""
    if not short or not name.endswith(" hosts)"):
        return cells.clip_names(name, width)
    names, _, count = name.removesuffix(" hosts)").rpartition(" (")
    count = f" ({count})"
    return cells.clip_names(names, width - len(count)) + count
