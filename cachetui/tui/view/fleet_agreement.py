"""Whether the hosts of an audit agree, and which host is the odd one out. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from cachetui.report import units
from cachetui.report.signs import ODD, SPLIT
from cachetui.tui.view import signs
from cachetui.tui.view.causes import by_cost, whose
from cachetui.tui.view.finding_lines import Reason, counted
from cachetui.tui.view.text import Line, Span, line

if TYPE_CHECKING:
    from cachetui.compare.align import Agreement, Disagreement
    from cachetui.findings.record import Findings
    from cachetui.records.document import Document

_COMMA_BETWEEN_NAMES = re.compile(r",(?![^\[]*\])")
"""A comma between names, as opposed to one between numbers in brackets."""


_LONGEST = 24
"""Characters of names at the beginning of the verdict."""

FEW = 4
"""Hosts that need no counting: their names say how many they are."""


class FleetAgreement:
    """Where hosts differ, as far as runs have ended; all empty for no document.

    `odd_cells` are the (host, scenario) of odd ones, `split_cells` those of a scenario in which
    hosts differ and none is odd: see `cell_signs`. `first` is the disagreement to look at first,
    None where hosts agree.
    """

    def __init__(self, document: Document | None) -> None:
        self._causes: tuple[Findings, list[Reason]] | None = None
        self.agreement: Agreement | None = None
        self._signs: dict[tuple[str, str], str] = {}
        if document is not None:
            from cachetui.compare.align import agree
            from cachetui.report.overview import cell_signs

            self.agreement = agree(document)
            self._signs = cell_signs(self.agreement)
        self.first: Disagreement | None = None
        disagreements = self.agreement.disagreements if self.agreement else ()
        self.odd_cells = {cell for cell, sign in self._signs.items() if sign == ODD}
        self.split_cells = {cell for cell, sign in self._signs.items() if sign == SPLIT}
        self._odd_hosts = {host for host, _ in self.odd_cells}
        self._split_hosts = {host for host, _ in self.split_cells}
        if disagreements:
            self.first = min(disagreements, key=lambda each: (not each.odd, each.step is None))

    def host_sign(self, host: str) -> str:
        """The sign of a host as a whole: odd somewhere, else one of those that differ where none
        is odd, or none."""
        if host in self._odd_hosts:
            return ODD
        return SPLIT if host in self._split_hosts else ""

    def sign_of(self, host: str, scenario: str) -> str:
        """The sign before a cell: of an odd one, of one where hosts are split, or none."""
        return self._signs.get((host, scenario), "")

    def unlike(self, host: str, scenario: str) -> tuple[str, ...]:
        """The hosts that do otherwise in a scenario than this one: first where it is itself the
        odd one, and there those of the largest side."""
        disagreements = self.agreement.disagreements if self.agreement else ()
        return tuple(
            other
            for each in sorted(disagreements, key=lambda each: host not in each.odd)
            if each.scenario == scenario and host in each.hosts
            for side in each.sides
            if host not in side.hosts
            for other in side.hosts
        )

    def share(self, hosts: Collection[str], scenario: str) -> signs.Share | None:
        """How many hosts do in a scenario what these do, and of how many: where they differ most
        from the others. None where they do not differ."""
        shares = [
            signs.Share(len(side.hosts), len(each.hosts), _what(each, side.status))
            for each in (self.agreement.disagreements if self.agreement else ())
            if each.scenario == scenario
            for side in each.sides
            if side.hosts and set(hosts) & set(side.hosts)
        ]
        return min(shares, key=lambda share: share[0] / share[1], default=None)

    def verdict(self) -> tuple[Line, ...]:
        """At most two lines: who is the odd one out, or that hosts are split, and where; then what
        each side did."""
        first = self.first
        if self.agreement is None or not (self.agreement.compared or self.agreement.failed):
            return ()
        if not self.agreement.compared:
            where = ", ".join(signs.short_scenario(s) for s in self.agreement.failed)
            return (line(("✗ ", "bad"), "failed everywhere", (f" in {where}", "muted")),)
        if first is None:
            where = ", ".join(signs.short_scenario(s) for s in self.agreement.compared)
            return (line(("✓ ", "good"), "hosts agree step by step", (f" in {where}", "muted")),)
        return _who_and_where(first), _sides(first, len(self.agreement.disagreements) > 1)

    def causes(self, findings: Findings) -> list[Reason]:
        """Those of the findings that tell why hosts differ; worked out once for the last ones."""
        if self.agreement is None:
            return []
        if self._causes is None or self._causes[0] is not findings:
            from cachetui.report.causes import causes_of_differences

            causes = causes_of_differences(findings, self.agreement)
            self._causes = (findings, causes)
        return self._causes[1]

    def has_reasons(self, findings: Findings) -> bool:
        """Whether findings tell of what the verdict is about: that hosts differ, or anything else
        where they do not."""
        return bool(by_cost(findings) if self.first is None else self.causes(findings))

    def reasons(self, findings: Findings) -> tuple[Reason, ...]:
        """What is found, what costs most first; where hosts differ, the causes of that before all
        else."""
        told = {id(cause) for cause in self.causes(findings)}
        return tuple(sorted(by_cost(findings), key=lambda reason: id(reason) not in told))

    def headline(self, findings: Findings) -> Line:
        """The verdict in one line where causes follow it: who is odd and where, if what costs
        most is about them, and they can be named or there is no other cause; else that hosts
        differ, whom what costs most hits, and how many causes of that there are."""
        from cachetui.compare.groups import fold_short
        from cachetui.report.clean import clean_line
        from cachetui.report.verdict import causes_found, how_many_differ, pays_most

        first = self.first
        if first is None:
            found = units.count(len(by_cost(findings)), "finding")
            return line(*self.verdict()[0][:2], (f" · {found}", "muted"))
        causes = self.causes(findings)
        many = len(causes) > 1 and not _can_be_named(first.odd)
        if first.odd and whose(causes, first.odd, first.hosts) and not many:
            return _who_and_where(first)
        assert self.agreement is not None
        sign = ODD if any(each.odd for each in self.agreement.disagreements) else SPLIT
        found = causes_found(causes, self.agreement, brief=True)
        differ = how_many_differ(self.agreement, brief=True)
        spans: list[str | Span] = [(f"{sign} ", "warn"), f"{differ}: ", (found, "strong")]
        if most := pays_most(causes, brief=True):
            hosts, cost = most
            spans.append(f". {counted(clean_line(fold_short(hosts)))} {cost}")
        return line(*spans)


def _what(each: Disagreement, status: str) -> str:
    """What hosts of a side did: "line 4 missed", "failed"."""
    did = {"miss": "missed", "ok": "ended well"}.get(status, status.replace("-", " "))
    return did if each.step is None else f"line {each.line} {did}"


def _in_short(hosts: Sequence[str], total: int) -> str:
    """The names of hosts, or how many they are where a line would end before it says what of
    them."""
    from cachetui.compare.groups import fold

    return fold(hosts) if _can_be_named(hosts) else f"{len(hosts)} of {total} hosts"


def _can_be_named(hosts: Sequence[str]) -> bool:
    from cachetui.compare.groups import fold

    return len(fold(hosts)) <= _LONGEST


def _who_and_where(disagreement: Disagreement) -> Line:
    odd, alone = disagreement.odd, disagreement.alone_hit
    who, what = "hosts", " are split in " if len(disagreement.hosts) > 2 else " differ in "
    if odd:
        who = _in_short(odd, len(disagreement.hosts))
        what = " is the odd one out in " if len(odd) == 1 else " are the odd ones out in "
    elif alone:
        who, what = f"only {_in_short(alone, len(disagreement.hosts))}", " hit in "
    spans: list[str | Span] = [
        (f"{ODD if odd else SPLIT} ", "warn"),
        (who, "strong"),
        what,
        (disagreement.scenario, "strong"),
    ]
    if disagreement.instruction is None:
        spans.append(": how the run ended")
    else:
        spans += [(f" line {disagreement.line} ", "muted"), disagreement.instruction]
    return line(*spans)


def _sides(disagreement: Disagreement, more: bool) -> Line:
    """What each side did, and on how many hosts; `more` says that hosts differ elsewhere too."""
    from cachetui.compare.groups import fold

    spans: list[str | Span] = ["  "]
    total = len(disagreement.hosts)
    sides = disagreement.sides[::-1] if total > FEW else disagreement.sides  # the odd fit a line
    for number, side in enumerate(sides):
        status = "done" if side.status == "ok" else side.status
        sign, word, tone = signs.STEP.get(status, ("", status, ""))
        spans += [" · " if number else "", (f"{sign} {word}".strip(), tone)]
        names = _COMMA_BETWEEN_NAMES.sub(", ", fold(side.hosts))
        told = total > FEW or (total > 2 and disagreement.majority is None)
        count = f"{len(side.hosts)} of {total}: " if told else ""
        spans.append(f" on {count}{names}")
    if more:
        spans.append((" · and elsewhere", "muted"))
    return line(*spans)
