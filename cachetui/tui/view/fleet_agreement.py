"""Whether the hosts of an audit agree, and which host is the odd one out. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cachetui.tui.view import signs
from cachetui.tui.view.text import Line, Span, line

if TYPE_CHECKING:
    from cachetui.compare.align import Agreement, Disagreement
    from cachetui.records.document import Document

_COMMA_BETWEEN_NAMES = re.compile(r",(?![^\[]*\])")
"""A comma between names, as opposed to one between numbers in brackets."""


class FleetAgreement:
    """Where hosts differ, as far as runs have ended; all empty for no document.

    `odd_cells` are the (host, scenario) that differ from the majority of hosts; in a scenario
    without a majority all that differ from each other. `odd_hosts` differ from a majority
    somewhere. `first` is the disagreement to look at first, None where hosts agree.
    """

    def __init__(self, document: Document | None) -> None:
        self.agreement: Agreement | None = None
        if document is not None:
            from cachetui.compare.align import agree

            self.agreement = agree(document)
        self.first: Disagreement | None = None
        disagreements = self.agreement.disagreements if self.agreement else ()
        self.odd_cells = {(host, each.scenario) for each in disagreements for host in each.odd}
        self.odd_hosts = {host for host, _ in self.odd_cells}
        with_majority = {scenario for _, scenario in self.odd_cells}
        for each in disagreements:
            if each.scenario not in with_majority:  # as many against as many: each is as odd
                hosts = [host for side in each.sides for host in side.hosts]
                self.odd_cells |= {(host, each.scenario) for host in hosts}
        if disagreements:
            self.first = min(disagreements, key=lambda each: (not each.odd, each.step is None))

    def verdict(self) -> tuple[Line, ...]:
        """At most two lines: who is the odd one out and where, then what each side did."""
        first = self.first
        if self.agreement is None or not (self.agreement.compared or self.agreement.failed):
            return ()
        if not self.agreement.compared:
            where = ", ".join(signs.short_scenario(s) for s in self.agreement.failed)
            return (line(("✗ ", "bad"), "failed everywhere", (f" in {where}", "muted")),)
        if first is None:
            where = ", ".join(signs.short_scenario(s) for s in self.agreement.compared)
            return (line(("✓ ", "good"), "hosts agree step by step", (f" in {where}", "muted")),)
        return _who_and_where(first), _sides(first, len(self.agreement.disagreements) - 1)


def _who_and_where(disagreement: Disagreement) -> Line:
    from cachetui.compare.groups import fold

    odd = disagreement.odd
    what = " is the odd one out in " if len(odd) == 1 else " are the odd ones out in "
    spans: list[str | Span] = [
        ("≠ ", "warn"),
        (fold(odd) if odd else "hosts", "strong"),
        what if odd else " differ in ",
        (disagreement.scenario, "strong"),
    ]
    if disagreement.instruction is None:
        spans.append(": how the run ended")
    else:
        spans += [(f" line {disagreement.line} ", "muted"), disagreement.instruction]
    return line(*spans)


def _sides(disagreement: Disagreement, more: int) -> Line:
    """What each side did; `more` disagreements are only counted."""
    from cachetui.compare.groups import fold

    spans: list[str | Span] = ["  "]
    for number, side in enumerate(disagreement.sides):
        status = "done" if side.status == "ok" else side.status
        sign, word, tone = signs.STEP.get(status, ("", status, ""))
        spans += [" · " if number else "", (f"{sign} {word}".strip(), tone)]
        spans.append(f" on {_COMMA_BETWEEN_NAMES.sub(', ', fold(side.hosts))}")
    if more:
        spans.append((f" · and {more} more", "muted"))
    return line(*spans)
