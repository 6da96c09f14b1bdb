"""The causes that stand above the matrix of Fleet, and their numbers beside its hosts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from cachetui.tui.view.finding_lines import Reason
from cachetui.tui.view.fleet_agreement import FleetAgreement
from cachetui.tui.view.text import Line, line
from cachetui.tui.view.top_causes import cause_lines, most_costly, number_of, to_copy, with_keys

if TYPE_CHECKING:
    from cachetui.findings.record import Findings


class FleetCauses:
    """Which causes stand there: none before `show`, nor after `clear`."""

    def __init__(self) -> None:
        self._typed: dict[int, bool] = {}
        self._numbers: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self._typed)

    @property
    def numbered(self) -> int:
        """The last number that stands beside a host; 0 where causes have none."""
        return max(self._numbers.values(), default=0)

    def clear(self) -> None:
        self._typed, self._numbers = {}, {}

    def show(
        self,
        findings: Findings,
        agreement: FleetAgreement,
        hosts: Collection[str],
        width: int,
        most: int,
        *,
        typed: bool,
        summary: Line,
    ) -> tuple[Line, ...]:
        """The headline, then the causes that cost `most`, where `typed` with what is to be typed.
        `summary` goes behind the headline where the hosts agree."""
        reasons = agreement.reasons(findings)
        first = most_costly(reasons, most)
        shown = cause_lines(first, hosts, width, findings.needs, typed=typed)
        self._typed = {id(one): each.typed for one, each in zip(first, shown, strict=True)}
        if len(first) > 1:
            for number, one in enumerate(first, 1):
                for host in one.hosts if not {*one.hosts}.issuperset(hosts) else ():
                    self._numbers.setdefault(host, number)
        headline = agreement.headline(findings)
        if agreement.first is None:
            headline = line(*headline, *summary)
        left = len(agreement.causes(findings) or reasons) - len(first)
        copied = typed and bool(to_copy(first, findings.needs))
        lines = [headline, *(text for one in shown for text in one.lines)]
        return with_keys(lines, width, more=left, copied=copied)

    def number(self, hosts: Sequence[str]) -> str:
        """The number of the first cause that hits one of the hosts, and a space; as wide without
        one, where causes have numbers."""
        if not self._numbers:
            return ""
        found = [self._numbers[host] for host in hosts if host in self._numbers]
        return f"{number_of(min(found))} " if found else " " * len(f"{number_of(1)} ")

    def is_typed(self, reason: Reason) -> bool | None:
        """Whether all that is to be typed for a cause stands there; None where it does not."""
        return self._typed.get(id(reason))

    def to_copy(self, findings: Findings, agreement: FleetAgreement) -> str:
        """What is to be typed for all of them; "" where there is nothing."""
        shown = [one for one in agreement.reasons(findings) if id(one) in self._typed]
        return to_copy(shown, findings.needs)
