"""A shared cache as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cachetui.findings.stale_words import SLACK_SECONDS
from cachetui.records.shared_cache import CachedStep, Held, SharedCache
from cachetui.report import cells, units
from cachetui.report.clean import clean_line
from cachetui.report.signs import WARNING
from cachetui.report.style import paint

_KINDS = {"registry": "registry cache", "local": "local cache", "inline": "cache in an image"}
_HELD: dict[Held, str] = {
    "kept": "kept",
    "not-kept": "not kept",
    "absent": "not in it",
    "unknown": "unknown",
}
_STYLES: dict[Held, str] = {"kept": "hit", "not-kept": "miss", "absent": "miss", "unknown": "dim"}
_RIGHT = frozenset({"line", "size"})
_GAP = "  "
_LEAST = 12
"""Cells that an instruction has at least."""


def text(cache: SharedCache, *, now: float, width: int, color: bool) -> str:
    """What it is, its steps or its layers, what is wrong; ends in a newline. `now` is in seconds
    since the epoch."""
    lines = cells.wrap(_headline(cache, now), width)
    if cache.platforms:
        lines += cells.wrap(f"for {', '.join(map(clean_line, cache.platforms))}", width)
    if cache.steps is not None:
        heads: tuple[str, ...] = (
            "line",
            "stage",
            "step",
            "in the cache",
            "told by",
            "made",
            "size",
        )
        rows = [_step_row(step, cache, now) for step in cache.steps]
        styles = [_STYLES[step.held] for step in cache.steps]
    else:
        heads = ("layer", "content", "made", "size")
        rows = [
            (
                _short(layer.digest),
                _short(layer.diff_id),
                made(layer.created, now),
                units.size(layer.bytes),
            )
            for layer in sorted(cache.layers, key=lambda layer: layer.created or 0.0)
        ]
        styles = [""] * len(rows)
    lines += ["", *_table(heads, rows, styles, width, color)] if rows else []
    remarks = [f"{WARNING} {problem}" for problem in cache.problems] + list(cache.notes)
    lines += [""] * bool(remarks)
    for remark in remarks:
        lines += cells.wrap(clean_line(remark), width, "", "  ")
    return "\n".join(lines) + "\n"


def made(created: float | None, now: float) -> str:
    """When, and how long ago: "2026-11-27, 3 d ago"."""
    if created is None:
        return units.NOTHING
    date = datetime.fromtimestamp(created).astimezone()
    if created > now + SLACK_SECONDS:
        return f"{date:%Y-%m-%d}, by a clock that was ahead"
    return f"{date:%Y-%m-%d}, {units.age(now - created)}"


def _headline(cache: SharedCache, now: float) -> str:
    parts = [
        f"{clean_line(cache.name)} on {clean_line(cache.host)}: {_KINDS[cache.kind]} of "
        f"{units.count(len(cache.layers), 'layer')}, {units.size(cache.bytes)}"
    ]
    if cache.keys is not None and cache.results is not None:
        parts.append(f"with {units.count(cache.results, 'result')} of {cache.keys} keys")
    if cache.oldest is not None and cache.newest is not None:
        oldest, newest = made(cache.oldest, now), made(cache.newest, now)
        same = oldest == newest
        parts.append(f"made {newest}" if same else f"the oldest made {oldest}, the newest {newest}")
    return "; ".join(parts)


def _step_row(step: CachedStep, cache: SharedCache, now: float) -> tuple[str, ...]:
    several = len(cache.platforms) > 1 and step.platform is not None
    return (
        str(step.line),
        clean_line(step.stage or f"stage-{step.stage_index}"),
        clean_line(f"[{step.platform}] {step.instruction}" if several else step.instruction),
        _HELD[step.held],
        step.told_by or units.NOTHING,
        made(step.created, now),
        units.size(step.bytes),
    )


def _short(digest: str | None) -> str:
    return units.NOTHING if digest is None else clean_line(digest)[:19]


def _table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[str],
    width: int,
    color: bool,
) -> list[str]:
    widths = [max(map(cells.width, column)) for column in zip(heads, *rows, strict=True)]
    if "step" in heads:
        at = heads.index("step")
        others = sum(widths) - widths[at] + len(_GAP) * (len(widths) - 1)
        widths[at] = max(_LEAST, min(widths[at], width - others))
    lines = [paint(_line(heads, heads, widths, width), "bold", color)]
    return lines + [
        paint(_line(row, heads, widths, width), style, color)
        for row, style in zip(rows, styles, strict=True)
    ]


def _line(row: Sequence[str], heads: Sequence[str], widths: Sequence[int], width: int) -> str:
    texts = (
        cells.pad(cells.shorten(text, cell) if head == "step" else text, cell, right=head in _RIGHT)
        for text, head, cell in zip(row, heads, widths, strict=True)
    )
    return cells.clip(_GAP.join(texts).rstrip(), width)
