"""The causes above the matrix of Fleet: for each, whom it hits, why, what it costs, what to type.
Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from cachetui.findings.record import Finding, Need
from cachetui.findings.wording import join_names
from cachetui.records.scenario import Scenario
from cachetui.report import costs
from cachetui.report.reasons import commands_of, learn_more
from cachetui.report.shell import several_ways
from cachetui.tui.view.finding_lines import (
    CONFIDENCE,
    Reason,
    all_of,
    confidence_of,
    confidence_span,
    hosts_of,
    in_few_words,
    shorter,
)
from cachetui.tui.view.text import Line, clean_line, cut, fit, line, width_of

_HOSTS_WIDTH = 24

_WORDS_FROM = 120
"""Cells from which a cause says how sure it is in a word beside the sign."""

_INDENT = "   "

_WHERE = re.compile(r" in \S+")
"""In which file something is to be set: left out where there is no room for it."""

_CLAUSE = re.compile(r"[;:,.] ")
_PLAIN = re.compile(r"[^\w .:-]", re.ASCII)
"""What a comment must not have: not every shell knows comments."""


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
    learned = _to_learn_more(reasons, needs, width) if typed else {}
    shown = []
    for number, (reason, hosts, cost) in enumerate(zip(reasons, whom, prices, strict=True), 1):
        sure = confidence_span(reason, sign_only=width < _WORDS_FROM)
        start = line(
            (f"{number_of(number)} " if len(reasons) > 1 else "  ", "key"),
            *fit(sure, 14 if width >= _WORDS_FROM else 2),
            *fit(((hosts, "strong"),), room),
            "  ",
            *fit(((cost, "strong"),), price),
            "  ",
        )
        first = fit(line(*start, in_few_words(reason, width - width_of(start))), width)
        below, whole = learned.get(number, ()), True
        if typed and isinstance(reason, Finding):
            below, whole = _to_do(reason, width)
        shown.append(Shown((first, *[fit(below, width)] * bool(below)), whole and typed))
    return shown


def number_of(number: int) -> str:
    """The number of a cause as it is shown: a bare one beside "line 2" would read as a line."""
    return f"#{number}"


def _to_learn_more(reasons: Sequence[Reason], needs: Sequence[Need], width: int) -> dict[int, Line]:
    """What to type for what is unexplained, by the number below which it stands: one command that
    tells more of several stands below the last of them, and names them."""
    about: dict[str, list[tuple[int, str]]] = {}
    for number, reason in enumerate(reasons, 1):
        need = learn_more(reason, needs)
        if need is not None:
            for typed in commands_of(reason, needs):
                about.setdefault(typed.text, []).append((number, clean_line(need.first)))
    told: dict[int, Line] = {}
    for command, members in about.items():
        every = [number for number, _ in members]
        # what the audit built hits from now on, and only a miss can be explained
        filled = all(_has_filled(reasons[number - 1], needs) for number in every)
        of = f" of {_numbers(every)}" if len(reasons) > 1 else ""
        before = ""
        for first in dict.fromkeys(first for _, first in members if first):
            own = [number for number, each in members if each == first]
            before += f"{first}{f' for {_numbers(own)}' if own != every else ''}, then "
        short = _WHERE.sub("", before)
        if filled:
            leads = [f"to learn more{of}: {before}when it misses again, "]
            short = f"{short.removesuffix('then ')}next time "
        else:
            leads = [f"to learn more{of}: {before}"]
        leads += [f"more{of}: {short}", *[f"{_numbers(every)}: {short}"] * bool(of)]
        room = width - len(_INDENT) - 2
        fits = [lead for lead in leads if cell_len(lead + command) <= room]
        told[every[-1]] = (
            line(
                _INDENT,
                ("→ " if before or filled else "$ ", "muted"),
                (fits[0], "muted"),
                (command, "accent"),
            )
            if fits
            else line(_INDENT, (f"→ more{of}: ", "muted"), ("w", "key"), (" says how", "muted"))
        )
    return told


def _has_filled(reason: Reason, needs: Sequence[Need]) -> bool:
    """Whether the audit's own build left in the cache what is missed, so that what would tell more
    of it has to wait for the next miss."""
    need = learn_more(reason, needs)
    warms = any(Scenario.of(name).warms for name in reason.scenarios)
    return need is not None and need.of_misses and warms


def _numbers(numbers: Sequence[int]) -> str:
    """ "#2", "#2 and #4", "#2–#4"."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and last - first == len(numbers) - 1:
        return f"{number_of(first)}–{number_of(last)}"
    return join_names([*map(number_of, numbers)])


def _whom(reason: Reason, all_hosts: Collection[str]) -> str:
    if len(all_hosts) > 1 and set(reason.hosts) >= set(all_hosts):
        return "all hosts"
    return cut(hosts_of(reason, _HOSTS_WIDTH), _HOSTS_WIDTH)


def _to_do(reason: Finding, width: int) -> tuple[Line, bool]:
    """In a line the command, where all that is to be typed fits; else what it does, and the key
    that leads to it: a command that was cut could be typed as it stands. And whether it is all."""
    commands = commands_of(reason)
    room = width - len(_INDENT) - 2
    text = commands[0].text if len(commands) == 1 and not commands[0].platform else ""
    does = f"  {commands[0].way}" if text and commands[0].way else ""
    if text and cell_len(text + does) <= room:
        return line(_INDENT, ("$ ", "muted"), (text, "accent"), (does, "muted")), True
    wordings = [clean_line(each) for each in reason.choice]
    wordings = wordings or [shorter(reason, reason.advice, width)]
    if not commands:
        text = _clause(wordings[0], room)
        return line(_INDENT, ("→ ", "muted"), text) if text else (), False
    has = "both ways" if several_ways(commands) else all_of(commands)
    ends = [line((" · ", "muted"), ("w", "key"), (end, "muted")) for end in (f" has {has}", "")]
    pairs = [(told, end) for told in wordings for end in ends]
    fits = [(told, end) for told, end in pairs if cell_len(told) + width_of(end) <= room]
    told, end = fits[0] if fits else (wordings[-1], () if reason.choice else ends[0])
    start = line(_INDENT, ("→ ", "muted"))
    return line(*start, _clause(told, room - width_of(end)), *end), False


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
    keys += [("y", ("copies the commands", "copies commands"))] if copied else []
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
    """What is to be typed for all of these, for a shell: each cause's commands below comments with
    its name, what they do, and what is to be done before. Where there are several ways, it is for
    the user to choose, and the comment says so. "" where there is nothing to type."""
    blocks: dict[tuple[str, ...], list[str]] = {}
    typed = False
    for reason in reasons:
        every = commands_of(reason, needs)
        need = learn_more(reason, needs)
        name = reason.name if isinstance(reason, Finding) else "unexplained"
        does = [need.first] if need is not None else [one.way for one in every[:1]]
        if several_ways(every):
            choose = f"# {_PLAIN.sub('_', name)} has more than one way: w shows them"
            blocks.setdefault((choose,), [])
        elif every:
            typed = True
            comments = blocks.setdefault(tuple(command.text for command in every), [])
            if any(does) or not comments:
                comments.append("# " + _PLAIN.sub("_", ": ".join(filter(None, [name, *does]))))
    lines = [text for commands, comments in blocks.items() for text in (*comments, *commands)]
    return "\n".join(lines) if typed else ""


def why_line(reason: Reason, width: int) -> Line:
    """A finding in one line of `width` cells, for beside a step; `w` leads to all of it."""
    sign, tone = CONFIDENCE[confidence_of(reason)]
    cost = f" {costs.brief(reason)}" if reason.seconds is not None else ""
    start = line(("WHY ", "title"), (f"{sign}{cost} ", tone))
    tail = line(("  w", "key"), (" all of it", "muted"))
    room = max(8, width - width_of(start) - width_of(tail))
    return line(*start, (cut(in_few_words(reason, room), room), "strong"), *tail)
