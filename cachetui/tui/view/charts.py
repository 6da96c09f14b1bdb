"""Bars, sparklines and rules drawn with block characters. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from cachetui.tui.view.text import Line, cut


def bar(share: float, width: int) -> str:
    """A bar of `width` cells filled to `share` (0 to 1), in eighths of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, part = divmod(eighths, 8)
    text = "█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return text.ljust(width)[:width]


def horizontal_rule(name: str, width: int) -> Line:
    """A name followed by a horizontal line, `width` cells together."""
    name = cut(name, max(0, width - 4))
    return ((f"{name} ", "title"), ("─" * max(0, width - cell_len(name) - 1), "muted"))


_SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, top: float | None = None) -> str:
    """The last `width` values as a row of bars from 0 to `top` (default: the largest value)."""
    shown = values[-width:]
    highest = top if top is not None else max(shown, default=0.0)
    if highest <= 0:
        return _SPARKS[0] * len(shown)
    return "".join(_SPARKS[min(7, int(max(0.0, value) / highest * 7.999))] for value in shown)


def bar_on_axis(start: float, end: float, scale: float, width: int) -> tuple[int, str]:
    """A bar from `start` to `end` on an axis from 0 to `scale` in `width` cells.

    Returns the cell where it begins, and its text. Ends are exact to an eighth of a cell; the
    shortest bar is still visible.
    """
    if scale <= 0 or width <= 0:
        return 0, ""
    left = max(0.0, min(1.0, start / scale)) * width
    right = max(left, min(1.0, end / scale) * width)
    first = min(int(left), width - 1)
    if right - left < 0.25:
        return first, "▏"
    text = bar((right - first) / width, width).rstrip()
    if left - first >= 0.5 and len(text) > 1:
        text = "▐" + text[1:]
    return first, text or "▏"
