"""A peek as a table, Markdown, JSON, or a JSON object a line; news of repeated ones a line each."""

from __future__ import annotations

import time

import msgspec

from cachetui.audit.peek_changes import PeekChange
from cachetui.audit.peek_results import Peek, PeekResult
from cachetui.compare.groups import fold_short
from cachetui.records.to_json import to_json
from cachetui.report import units
from cachetui.report.cells import clip
from cachetui.report.clean import clean_line
from cachetui.report.escape import markdown_table, markdown_text
from cachetui.report.formats.json import escaped

FORMATS = ("table", "json", "jsonl", "markdown")
_MOST = 60
"""Cells of a column; only an instruction is longer."""
HEADINGS = ("host", "builder", "cache", "first miss", "why", "cost")


def render(peek: Peek, name: str) -> str:
    """The peek in the format of that name."""
    if name == "json":
        return escaped(msgspec.json.format(to_json(peek), indent=2).decode()) + "\n"
    if name == "jsonl":
        each = [*peek.results, *peek.unseen]
        return "".join(escaped(to_json(item).decode()) + "\n" for item in each)
    rows = [_row(result) for result in peek.results]
    foot = [clean_line(note) for note in peek.notes]
    foot += [_kept(result) for result in peek.results if result.kept]
    foot += _reasons(peek)
    foot += [_unseen(host.host, host.reason, host.remedy) for host in peek.unseen]
    if name == "markdown":
        return "\n".join([*markdown_table(HEADINGS, rows), *_paragraphs(foot)]) + "\n"
    return "\n".join([*_table(rows), *foot, f"audit {peek.audit}"]) + "\n"


def change_line(change: PeekChange, name: str) -> str:
    """News as a line of text ("table") or as a JSON object ("jsonl"), with its line feed."""
    if name == "jsonl":
        return escaped(to_json(change).decode()) + "\n"
    at = time.strftime("%m-%d %H:%M", time.localtime(change.at))
    return clean_line(f"{at}  {_who(change)} {_news(change)}") + "\n"


def _who(change: PeekChange) -> str:
    return f"{change.host} {change.backend}" if change.backend is not None else change.host


def _news(change: PeekChange) -> str:
    result = change.result
    if change.change == "trouble" or result is None:
        if change.change == "back":
            return "can be looked at again"
        why = change.reason or "no reason told"
        return f"could not be looked at: {why}" + (f"; {change.remedy}" if change.remedy else "")
    if change.change == "warm":
        return "is warm again"
    if result.first_miss is None:
        again = " again" if change.change == "back" else ""
        return f"{'has' if result.undecided else 'is'}{again} {cache_text(result)}"
    verb = {
        "cold": "went cold at",
        "moved": "is now cold from",
        "cause": "is still cold from",
        "back": "can be looked at again, cold from",
    }.get(change.change, "is cold from")
    where = f"line {result.first_miss.line}, {result.first_miss.instruction}"
    return f"{verb} {where}: {why_text(result)}, cost {cost_text(result)}"


def cost_text(result: PeekResult) -> str:
    """ "about 4m10s"; what is not known is said to be."""
    if result.first_miss is None and not result.undecided:
        return units.NOTHING
    return "unknown" if result.seconds is None else f"about {units.seconds(result.seconds)}"


def cache_text(result: PeekResult) -> str:
    """How warm the builder is, in a few words."""
    if result.status != "ok":
        return result.status
    if result.first_miss is None:
        if not result.undecided:
            return "warm"
        hits = f"{units.count(result.hits, 'hit')}, " if result.hits else ""
        return f"{hits}{units.count(result.undecided, 'step')} not decided"
    text = f"{units.count(result.hits, 'hit')}, cold from line {result.first_miss.line} on"
    return f"{text}, {result.undecided} not decided" if result.undecided else text


def why_text(result: PeekResult) -> str:
    """The finding's name and how sure it is."""
    if result.first_miss is None:
        return units.NOTHING
    return f"{result.cause} ({result.confidence})" if result.cause else "unknown"


def _row(result: PeekResult) -> tuple[str, ...]:
    miss = result.first_miss
    cells = (
        result.host,
        result.backend,
        cache_text(result),
        miss.instruction if miss is not None else units.NOTHING,
        why_text(result),
        cost_text(result),
    )
    return tuple(clip(clean_line(cell), _MOST) for cell in cells)


def _kept(result: PeekResult) -> str:
    lines = ", ".join(f"line {place.line}" for place in result.kept)
    return clean_line(f"{result.host}: BuildKit keeps what ran before the stop: {lines}")


def _reasons(peek: Peek) -> list[str]:
    """Why builders could not be looked at: a line for each reason, with its builders and hosts."""
    places: dict[tuple[str, str], list[str]] = {}
    for result in peek.results:
        if result.status != "ok":
            told = (result.backend, result.reason or "no reason is known")
            places.setdefault(told, []).append(result.host)
    return [
        clean_line(f"{backend} on {fold_short(hosts)}: {reason}")
        for (backend, reason), hosts in places.items()
    ]


def _unseen(host: str, reason: str | None, remedy: str | None) -> str:
    text = f"{host}: {reason or 'not seen'}"
    return clean_line(f"{text}; {remedy}" if remedy else text)


def _paragraphs(lines: list[str]) -> list[str]:
    return [text for line in lines for text in ("", markdown_text(line))]


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    lines = [HEADINGS, *rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    ]
