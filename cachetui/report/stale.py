"""What a comparison of imported results with those of today found, in words. Pure."""

from __future__ import annotations

from cachetui.compare.groups import fold_short
from cachetui.findings.stale_words import day, what_differs
from cachetui.records.document import Document
from cachetui.records.stale import StaleCheck
from cachetui.report import units


def stale_lines(document: Document) -> tuple[str, ...]:
    """A line for all hosts of which the same is to be said, and below it one for each step."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for check in document.stale:
        alike.setdefault(_lines(check, document.started_at), []).append(check.host)
    return tuple(
        line if number else f"{fold_short(hosts)}: {line}"
        for lines, hosts in alike.items()
        for number, line in enumerate(lines)
    )


def _lines(check: StaleCheck, now: float) -> tuple[str, ...]:
    if check.reason is not None:
        return (f"not compared: {check.reason}",)
    if not check.hits:
        return ("no hit came with the import",)
    made = f" from a cache of {day(check.oldest, now)}" if check.oldest is not None else ""
    hits = f"{units.count(check.hits, 'hit')}{made}"
    if check.sound:
        return (f"the import is sound: {hits}, and the build made anew has the same content",)
    return (
        hits,
        *(f"line {step.line}, {step.instruction}: {what_differs(step)}" for step in check.steps),
    )
