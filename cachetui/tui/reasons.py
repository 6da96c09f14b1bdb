"""Findings as lines: rows of the list, and all that is known of one. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.record import Evidence, Finding, Findings, StepRef, Unexplained
from cachetui.report import units
from cachetui.report.signs import CONFIDENCES
from cachetui.tui.text import Line, Tone, clean_line, line

Reason = Finding | Unexplained

SURE: dict[str, tuple[str, Tone]] = {
    word: (state.sign, state.tone) for word, state in CONFIDENCES.items()
}
"""Sign and tone of how sure something is."""


def sure_of(reason: Reason) -> str:
    return reason.confidence if isinstance(reason, Finding) else "unexplained"


def sure(reason: Reason, *, sign_only: bool = False) -> Line:
    """How sure it is, as sign and word."""
    word = sure_of(reason)
    sign, tone = SURE[word]
    return ((sign if sign_only else f"{sign} {word}", tone),)


def name_of(reason: Reason) -> str:
    """What `prove` takes; of what is unexplained the title."""
    return reason.name if isinstance(reason, Finding) else reason.title


def chain(reason: Reason) -> str:
    """ "1 cause, 7 consequences"."""
    causes = units.count(max(1, len(reason.steps)), "cause")
    if not reason.consequences:
        return causes
    return f"{causes}, {units.count(len(reason.consequences), 'consequence')}"


def hosts_of(reason: Reason, width: int) -> str:
    """The hosts, as many as there is room for."""
    names = list(reason.hosts)
    whole = ", ".join(names)
    if len(whole) <= width or len(names) < 2:
        return whole
    while len(names) > 1:
        names.pop()
        shown = f"{', '.join(names)} +{len(reason.hosts) - len(names)}"
        if len(shown) <= width:
            return shown
    return units.count(len(reason.hosts), "host")


def details(
    reason: Reason, dockerfile: Dockerfile | None, width: int, wanted: Sequence[str] = ()
) -> list[Line]:
    """All that is known of one, in lines of at most `width` cells. `wanted` says what could be
    asked to know more."""
    return list(_details(reason, dockerfile, max(20, width), wanted))


def _details(
    reason: Reason, dockerfile: Dockerfile | None, width: int, wanted: Sequence[str]
) -> Iterator[Line]:
    yield from wrapped(reason.title, width, "strong")
    facts = [sure(reason)[0][0], chain(reason)]
    if reason.seconds is not None:
        facts.append(f"costs {units.seconds(reason.seconds)}")
    facts.append(", ".join(reason.hosts))
    facts += [b for b in ("legacy", "buildkit") if b in reason.backends]
    yield from wrapped(" · ".join(facts), width, SURE[sure_of(reason)][1])
    if isinstance(reason, Finding):
        yield ()
        yield from wrapped(reason.advice, width, "accent", "→ ")
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
            mark = "● " if number < causes else "└ "
            yield from wrapped(_told(step, dockerfile), width, "" if number < causes else "muted",
                                mark, most=1)  # fmt: skip
    if wanted:
        yield ()
        yield line(("To know more", "title"))
        for text in wanted:
            yield from wrapped(text, width, "muted", "· ")
    if isinstance(reason, Finding):
        yield ()
        yield from wrapped(f"cachetui prove {reason.name}", width, "muted")


def _block(title: str, evidence: Sequence[Evidence], width: int) -> Iterator[Line]:
    if not evidence:
        return
    yield ()
    yield line((title, "title"))
    for one in evidence:
        mark = "⚗ " if one.kind == "experiment" else "· "
        yield from wrapped(one.text, width, "", mark)


def _told(step: StepRef, dockerfile: Dockerfile) -> str:
    if 0 <= step.stage_index < len(dockerfile.stages):
        items = dockerfile.stages[step.stage_index].instructions
        if step.index < len(items):
            return f"line {items[step.index].line}: {items[step.index].text}"
    return f"stage {step.stage_index}, step {step.index}"


def wrapped(
    text: str, width: int, tone: Tone = "", mark: str = "", most: int = 99
) -> Iterator[Line]:
    """The text, cleaned, broken at words; a mark stands before its first line."""
    indent = " " * len(mark)
    lines = textwrap.wrap(clean_line(text), max(10, width - len(mark)), break_on_hyphens=False)
    for number, part in enumerate(lines[:most]):
        cut = "…" if number == most - 1 and len(lines) > most else ""
        yield ((mark if number == 0 else indent, "muted"), (part + cut, tone))


def ordered(findings: Findings) -> tuple[Reason, ...]:
    """Findings as they come, most costly first; then what stays unexplained."""
    return (*findings.findings, *findings.unexplained)
