"""The causes above the matrix of Fleet: for each, whom it hits, why, what it costs, what to type.
Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from cachetui.findings.record import Finding, Need
from cachetui.report import costs
from cachetui.report.reasons import commands_of
from cachetui.report.shell import first_way, in_short, several_ways
from cachetui.tui.view.finding_lines import (
    CONFIDENCE,
    Reason,
    confidence_of,
    confidence_span,
    hosts_of,
    in_few_words,
    shorter,
)
from cachetui.tui.view.text import Line, cut, fit, line, width_of

_HOSTS_WIDTH = 24

_WORDS_FROM = 120
"""Cells from which a cause says how sure it is in a word beside the sign."""

_INDENT = "    "
_OR = ("  or the other way round: w", "  or the other way: w", "  or: w")
"""Behind a command in whose place another one can be typed; `_ONE_WAY` before it where there is no
room for that."""

_ONE_WAY = "one of two ways: "

_CLAUSE = re.compile(r"[;:,.] ")
_PLAIN = re.compile(r"[^\w.:-]", re.ASCII)


class Shown(NamedTuple):
    """A cause above the matrix: its lines, and whether all that is to be typed stands in them."""

    lines: tuple[Line, ...]
    typed: bool


def most_costly(reasons: Sequence[Reason], most: int) -> list[Reason]:
    """The first `most`. Those that cost nothing are left out where others do."""
    return ([reason for reason in reasons if reason.seconds] or list(reasons))[:most]


def cause_lines(
    reasons: Sequence[Reason],
    all_hosts: Collection[str],
    width: int,
    needs: Sequence[Need] = (),
    *,
    typed: bool = True,
) -> list[Shown]:
    """Each cause in lines of `width` cells: sign, cost, whom it hits, and why; where `typed`, below
    it what to type, or what to do where that is no command."""
    whom = [_whom(reason, all_hosts) for reason in reasons]
    room = max(map(cell_len, whom), default=0)
    prices = [costs.brief(reason) for reason in reasons]
    price = max(map(cell_len, prices), default=0)
    shown = []
    for number, (reason, hosts, cost) in enumerate(zip(reasons, whom, prices, strict=True), 1):
        sure = confidence_span(reason, sign_only=width < _WORDS_FROM)
        start = line(
            (f"{number} " if len(reasons) > 1 else "  ", "key"),
            *fit(sure, 14 if width >= _WORDS_FROM else 2),
            *fit(((hosts, "strong"),), room),
            "  ",
            *fit(((cost, "strong"),), price),
            "  ",
        )
        first = fit(line(*start, in_few_words(reason, width - width_of(start))), width)
        below, whole = _to_do(reason, width, needs) if typed else ((), False)
        shown.append(Shown((first, *[below] * bool(below)), whole))
    return shown


def _whom(reason: Reason, all_hosts: Collection[str]) -> str:
    if len(all_hosts) > 1 and set(reason.hosts) >= set(all_hosts):
        return "all hosts"
    return cut(hosts_of(reason, _HOSTS_WIDTH), _HOSTS_WIDTH)


def _to_do(reason: Reason, width: int, needs: Sequence[Need]) -> tuple[Line, bool]:
    """The first command in a line, or the advice where there is none; and whether that is all."""
    commands = commands_of(reason, needs)
    if not commands:
        advice = reason.advice if isinstance(reason, Finding) else ""
        text = _clause(shorter(reason, advice, width), width - len(_INDENT) - 2)
        return line(_INDENT, ("→ ", "muted"), (text, "accent")) if text else (), False
    first, *others = first_way(commands)
    lead = "" if isinstance(reason, Finding) else "to learn more: "
    more = f" +{len(others)}" if others else ""
    either = several_ways(commands)
    room = width - len(_INDENT) - 2 - len(lead) - len(more)
    whom, text = ("", first.text)
    if first.platform or cell_len(text) > room:
        whom, text = in_short(first)
    if either:
        ways = [way for way in _OR if cell_len(whom + text + way) <= room]
        more += ways[0] if ways else ""
        lead += "" if ways else _ONE_WAY
    whole = not others and not whom and not either and cell_len(text) <= room
    parts = line(
        _INDENT,
        ("$ ", "muted"),
        (lead + whom, "muted"),
        (cut(text, max(8, width - len(_INDENT) - 2 - cell_len(lead + whom + more))), "accent"),
        (more, "muted"),
    )
    return parts, whole


def _clause(text: str, room: int) -> str:
    """The beginning of a text that fits, up to the end of a clause where that is not too little."""
    if cell_len(text) <= room:
        return text
    ends = [found.start() for found in _CLAUSE.finditer(text) if room // 2 <= found.start()]
    end = max((each for each in ends if each + 2 <= room), default=0)
    return f"{text[:end].removesuffix(' …')} …" if end else cut(text, room)


def with_keys(lines: Sequence[Line], width: int, *, more: int, copied: bool) -> tuple[Line, ...]:
    """The headline and the causes with the keys that lead further, behind the headline or, where
    there is no room for that, behind the last line: `w` where there are `more` causes, `y` where
    there is anything to be `copied`."""
    told = list(lines)
    keys = [("w", (f"shows {more} more", f"{more} more"))] if more > 0 else []
    keys += [("y", ("copies all commands", "copies all $"))] if copied else []
    for key, words in keys:
        ways = [line((" · ", "muted"), (key, "key"), (f" {text}", "muted")) for text in words]
        room = ((at, way) for at in (0, -1) for way in ways)
        for at, way in room:
            own = _without_end(told[at])
            if width_of(own) + width_of(way) <= width:
                told[at] = line(*own, *way)
                break
    return tuple(told)


def _without_end(text: Line) -> Line:
    """A line without the spaces that fill it."""
    spans = list(text)
    while spans and not spans[-1][0].strip():
        spans.pop()
    return tuple(spans)


def to_copy(reasons: Sequence[Reason], needs: Sequence[Need] = ()) -> str:
    """What is to be typed for all of these, for a shell: each cause's commands below its name as a
    comment. Where there are several ways, it is for the user to choose, and the comment says so. ""
    where there is nothing to type."""
    parts, told = list[str](), set[tuple[str, ...]]()
    for reason in reasons:
        every = commands_of(reason, needs)
        commands = tuple(command.text for command in every)
        name = reason.name if isinstance(reason, Finding) else "unexplained"
        plain = _PLAIN.sub("_", name)  # a shell may not know comments
        if several_ways(every):
            parts.append(f"# {plain} has more than one way: w shows them")
        elif commands and commands not in told:
            told.add(commands)
            parts += [f"# {plain}", *commands]
    return "\n".join(parts) if told else ""


def why_line(reason: Reason, width: int) -> Line:
    """A finding in one line of `width` cells, for beside a step; `w` leads to all of it."""
    sign, tone = CONFIDENCE[confidence_of(reason)]
    cost = f" {costs.brief(reason)}" if reason.seconds is not None else ""
    start = line(("WHY ", "title"), (f"{sign}{cost} ", tone))
    tail = line(("  w", "key"), (" all of it", "muted"))
    room = max(8, width - width_of(start) - width_of(tail))
    return line(*start, (cut(in_few_words(reason, room), room), "strong"), *tail)
