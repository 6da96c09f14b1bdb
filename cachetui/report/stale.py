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
    own = _own(check)
    if check.sound and own:
        return (f"{hits}, and the build made anew has the same content; {own}",)
    if check.sound:
        return (f"the import is sound: {hits}, and the build made anew has the same content",)
    return (
        f"{hits}; {own}" if own else hits,
        *(f"line {step.line}, {step.instruction}: {what_differs(step)}" for step in check.steps),
    )


def _own(check: StaleCheck) -> str:
    """What of the hits need not have come with the import; "" for none."""
    if not check.unsure:
        return ""
    which = "each" if check.unsure == check.hits else f"{check.unsure} of them"
    return f"{which} can be of the host's own cache"
