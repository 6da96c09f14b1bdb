"""Findings as text: cells of the list, and the details of one. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from cachetui.compare.groups import fold
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.record import Evidence, Finding, Findings, Need, StepRef, Unexplained
from cachetui.findings.wording import MOST_NAMES, host_names
from cachetui.report import costs, units
from cachetui.report.reasons import commands_of, learn_more, typed_of
from cachetui.report.shell import Typed, several_ways, to_paste
from cachetui.report.signs import CONFIDENCES
from cachetui.tui.view.text import Line, Tone, clean_line, line

Reason = Finding | Unexplained

CONFIDENCE: dict[str, tuple[str, Tone]] = {
    word: (state.sign, state.tone) for word, state in CONFIDENCES.items()
}
"""Confidence → sign and tone."""

MAX_EVIDENCE = 20
"""Facts shown of a finding: one that differs between hosts is as many facts as values."""


def confidence_of(reason: Reason) -> str:
    """How sure a finding is: a key of `CONFIDENCE`."""
    return reason.confidence if isinstance(reason, Finding) else "unexplained"


def confidence_span(reason: Reason, *, sign_only: bool = False) -> Line:
    """How sure a finding is, as sign and word."""
    confidence = confidence_of(reason)
    sign, tone = CONFIDENCE[confidence]
    return ((sign if sign_only else f"{sign} {confidence}", tone),)


def hosts_of(reason: Reason, width: int) -> str:
    """The hosts of a finding in `width` cells: their names, else the names folded, else how many
    they are."""
    for shown in (", ".join(reason.hosts), fold(reason.hosts)):
        if len(shown) <= width or len(reason.hosts) < 2:
            return shown
    return units.count(len(reason.hosts), "host")


_COUNTED = re.compile(r"\S+,…\]? \(([0-9]+ hosts)\)")
"""A list of names that `fold_short` has cut."""


def title_of(reason: Reason, room: int) -> str:
    """What a finding says, cleaned. Where that takes more than `room` cells, of many hosts it is
    told how many they are, so that what is said of them is not cut."""
    return shorter(reason, reason.title, room)


def in_few_words(reason: Reason, room: int) -> str:
    """As `title_of`, to stand beside the hosts' names: the cause in a few words where the title
    does not fit."""
    title = title_of(reason, room)
    return title if cell_len(title) <= room or not reason.brief else clean_line(reason.brief)


def shorter(reason: Reason, text: str, room: int) -> str:
    """A text about a finding's hosts, as `title_of`."""
    text = clean_line(text)
    if cell_len(text) <= room:
        return text
    if len(reason.hosts) > MOST_NAMES:
        names = clean_line(host_names(reason.hosts))
        text = text.replace(names, units.count(len(reason.hosts), "host"))
    return counted(text)


def counted(text: str) -> str:
    """The text with lists of hosts that are not told to their end as how many they are."""
    return _COUNTED.sub(r"\1", text)


def details(
    reason: Reason, dockerfile: Dockerfile | None, width: int, unknown: Sequence[Need] = ()
) -> list[Line]:
    """Everything known about a finding, in lines of at most `width` cells. `unknown` is what was
    not looked at, and would tell more."""
    return list(_details(reason, dockerfile, max(20, width), unknown))


def _details(
    reason: Reason, dockerfile: Dockerfile | None, width: int, unknown: Sequence[Need]
) -> Iterator[Line]:
    yield from wrapped(title_of(reason, 2 * width), width, "strong")
    facts = [confidence_span(reason)[0][0], costs.steps(reason)]
    if reason.seconds is not None:
        facts.append(costs.told(reason))
    facts.append(host_names(reason.hosts))
    facts += [b for b in ("legacy", "buildkit") if b in reason.backends]
    yield from wrapped(" · ".join(facts), width, CONFIDENCE[confidence_of(reason)][1])
    yield ()
    if commands := commands_of(reason, unknown):
        copied = copies(commands)
        yield line(("To type", "title"), (" · ", "muted"), ("y", "key"), (f" {copied}", "muted"))
    for command in commands:
        yield from command_lines(command, width)
    more = learn_more(reason, unknown)
    if more is not None:
        yield from wrapped(f"to learn more: {more.text}", width, "", "→ ")
    if isinstance(reason, Finding):
        yield from wrapped(reason.advice, width, "", "→ ")
        yield from _block("Evidence", reason.evidence, width)
    else:
        yield from _block("What differs", reason.facts, width)
        if reason.suspects:
            yield from wrapped(f"could be: {', '.join(reason.suspects)}", width, "muted")
    steps = (*reason.steps, *reason.consequences)
    if steps and dockerfile is not None:
        yield ()
        yield line(("Steps", "title"))
        causes = len(reason.steps)
        for number, step in enumerate(steps):
            mark = "▪ " if number < causes else "└ "
            tone: Tone = "" if number < causes else "muted"
            yield from wrapped(_step_text(step, dockerfile), width, tone, mark, max_lines=1)
    others = [need for need in unknown if need != more]
    if others:
        yield ()
        yield line(("To learn more", "title"))
        for need in others:
            yield from wrapped(need.text, width, "muted", "· ")
            yield from (part for one in typed_of(need) for part in command_lines(one, width))
    if isinstance(reason, Finding):
        yield ()
        yield from wrapped(f"cachetui prove {reason.name}", width, "muted")


def copies(commands: Sequence[Typed]) -> str:
    """What a key copies: "copies the command", "copies all 3 commands". Of two ways the first: one
    typed after the other would undo it."""
    if several_ways(commands):
        return "copies the first way"
    return f"copies {all_of(commands)}"


def all_of(commands: Sequence[Typed]) -> str:
    """ "the command", "both commands", "all 3 commands"."""
    count = len(commands)
    return {1: "the command", 2: "both commands"}.get(count, f"all {count} commands")


def command_lines(command: Typed, width: int) -> Iterator[Line]:
    """A cleaned command in lines of a shell, as `to_paste`, below its heading."""
    if command.heading:
        yield from wrapped(command.heading, width - 2, "muted", "  ")
    for number, part in enumerate(to_paste(command.text, width - 4, "")):
        yield line(("    " if number else "  $ ", "muted"), (part, "accent"))


def _block(title: str, evidence: Sequence[Evidence], width: int) -> Iterator[Line]:
    if not evidence:
        return
    yield ()
    yield line((title, "title"))
    for item in evidence[:MAX_EVIDENCE]:
        mark = "⚗ " if item.kind == "experiment" else "· "
        yield from wrapped(item.text, width, "", mark)
    if len(evidence) > MAX_EVIDENCE:
        more = f"and {len(evidence) - MAX_EVIDENCE} more: `show --format json` has them all"
        yield from wrapped(more, width, "muted", "· ")


def _step_text(step: StepRef, dockerfile: Dockerfile) -> str:
    if 0 <= step.stage_index < len(dockerfile.stages):
        items = dockerfile.stages[step.stage_index].instructions
        if step.index < len(items):
            return f"line {items[step.index].line}: {items[step.index].text}"
    return f"stage {step.stage_index}, step {step.index}"


def wrapped(
    text: str, width: int, tone: Tone = "", mark: str = "", max_lines: int = 99
) -> Iterator[Line]:
    """The text, cleaned and broken at words, with a mark before its first line."""
    indent = " " * len(mark)
    lines = textwrap.wrap(clean_line(text), max(10, width - len(mark)), break_on_hyphens=False)
    for number, part in enumerate(lines[:max_lines]):
        cut = "…" if number == max_lines - 1 and len(lines) > max_lines else ""
        yield ((mark if number == 0 else indent, "muted"), (part + cut, tone))


def in_order(findings: Findings) -> tuple[Reason, ...]:
    """The findings, most expensive first, then what stays unexplained."""
    return (*findings.findings, *findings.unexplained)
