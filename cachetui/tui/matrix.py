"""The rows of the fleet's matrix: filtered, folded, sorted, with the odd ones marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetui.tui import signs
from cachetui.tui.text import Line, Span, line

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress, Snapshot
    from cachetui.compare.align import Agreement, Disagreement
    from cachetui.records.document import Document

FOLD_FROM = 17
"""From how many hosts on those that are alike are folded unless told otherwise."""

_BETWEEN = re.compile(r",(?![^\[]*\])")
"""A comma between names, not one between numbers."""

HOST = ""
"""The key of the column of hosts; other columns are scenarios."""


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A host, or hosts alike folded into one; `key` is the first host's name, `name` all of
    theirs in short."""

    key: str
    name: str
    hosts: tuple[str, ...]
    odd: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Sorted by which column (None: as configured, odd ones first), and whether backwards."""

    column: str | None = None
    backwards: bool = False


class Outlook:
    """Where hosts part ways, as far as runs have ended.

    `odd` are cells that are not as most are: (host, scenario). In a scenario where hosts part
    ways without a majority all of them are. `odd_hosts` stand against a majority somewhere.
    """

    def __init__(self, document: Document | None) -> None:
        self.agreement: Agreement | None = None
        if document is not None:
            from cachetui.compare.align import agree

            self.agreement = agree(document)
        self.odd: set[tuple[str, str]] = set()
        self.first: Disagreement | None = None
        found = self.agreement.disagreements if self.agreement else ()
        self.odd = {(host, one.scenario) for one in found for host in one.odd}
        self.odd_hosts = {host for host, _ in self.odd}
        clear = {scenario for _, scenario in self.odd}
        for one in found:
            if one.scenario not in clear:  # as many against as many: each is as odd
                self.odd |= {(host, one.scenario) for side in one.sides for host in side.hosts}
        if found:
            self.first = min(found, key=lambda one: (not one.odd, one.step is None))

    def verdict(self) -> tuple[Line, ...]:
        """In two lines at most: who is the odd one out, where, and what the others did."""
        one = self.first
        if self.agreement is None or not self.agreement.compared:
            return ()
        if one is None:
            where = ", ".join(signs.short_scenario(s) for s in self.agreement.compared)
            return (line(("✓ ", "good"), "hosts agree step by step", (f" in {where}", "muted")),)
        from cachetui.compare.groups import fold

        more = len(self.agreement.disagreements) - 1
        who = fold(one.odd) if one.odd else "hosts"
        what = " is the odd one out in " if len(one.odd) == 1 else " are the odd ones out in "
        first: list[str | Span] = [("≠ ", "warn"), (who, "strong")]
        first += [what if one.odd else " part ways in ", (one.scenario, "strong")]
        if one.instruction is None:
            first.append(": how the run ended")
        else:
            first += [(f" line {one.line} ", "muted"), one.instruction]
        sides: list[str | Span] = ["  "]
        for number, side in enumerate(one.sides):
            status = "done" if side.status == "ok" else side.status
            sign, word, tone = signs.STEP.get(status, ("", status, ""))
            sides += [" · " if number else "", (f"{sign} {word}".strip(), tone)]
            sides.append(f" on {_BETWEEN.sub(', ', fold(side.hosts))}")
        if more:
            sides.append((f" · and {more} more", "muted"))
        return line(*first), line(*sides)


def rows(
    snapshot: Snapshot,
    document: Document | None,
    outlook: Outlook,
    *,
    words: str = "",
    order: Order | None = None,
    folded: bool = False,
    tags: Mapping[str, tuple[str, ...]] | None = None,
) -> list[FleetRow]:
    """The rows to show. `words` all have to be found in a host's name, tags, state or engine."""
    order = order or Order()
    cells = by_host(snapshot)
    hosts = [host for host in snapshot.hosts if _matches(host, cells[host.name], words, tags or {})]
    if folded:
        kept = {r.key: r for r in _folded(hosts, cells, document)}
        made = list(kept.values())
    else:
        made = [FleetRow(h.name, h.name, (h.name,), h.name in outlook.odd_hosts) for h in hosts]
    states = {host.name: host.state for host in hosts}
    if order.column is None:
        if snapshot.finished:
            made.sort(key=lambda row: _oddness(row, outlook, states[row.key]))
        return made
    if order.column == HOST:
        made.sort(key=lambda row: _natural(row.name), reverse=order.backwards)
        return made
    column = order.column
    return sorted(
        made,
        key=lambda row: _weight(merged(cells, row.hosts, column)),
        reverse=not order.backwards,
    )


def _oddness(row: FleetRow, outlook: Outlook, state: str) -> int:
    """Where a row stands: whom the verdict names, other odd ones and those in trouble, most."""
    if outlook.first is not None and set(row.hosts) & set(outlook.first.odd):
        return 0
    return 1 if row.odd or state in ("unreachable", "failed") else 2


def by_host(snapshot: Snapshot) -> dict[str, dict[str, list[Cell]]]:
    """Cells by host and scenario, repeats in order."""
    found: dict[str, dict[str, list[Cell]]] = {host.name: {} for host in snapshot.hosts}
    for cell in snapshot.cells:
        found.setdefault(cell.host, {}).setdefault(cell.scenario, []).append(cell)
    return found


_URGENCY = ("building", "failed", "unreachable", "cancelled", "queued", "skipped")


def merged(
    cells: Mapping[str, Mapping[str, list[Cell]]], hosts: tuple[str, ...], scenario: str
) -> Cell | None:
    """One cell for the repeats of a scenario on hosts alike: the most urgent state, and of
    those that ended the median seconds."""
    found = [cell for host in hosts for cell in cells.get(host, {}).get(scenario, [])]
    if len(found) < 2:
        return found[0] if found else None
    for state in _URGENCY:
        for cell in found:
            if cell.state == state and not (state == "queued" and _any_ended(found)):
                return cell
    ended = [cell for cell in found if cell.state in ("done", "stored")]
    if not ended:
        return found[0]
    times = [cell.seconds for cell in ended if cell.seconds is not None]
    from statistics import median

    import msgspec

    worst = min(ended, key=lambda cell: cell.hits / (cell.hits + cell.misses or 1))
    state = "stored" if all(cell.state == "stored" for cell in ended) else "done"
    return msgspec.structs.replace(worst, state=state, seconds=median(times) if times else None)


def _any_ended(cells: list[Cell]) -> bool:
    return any(cell.state in ("done", "stored") for cell in cells)


def _folded(
    hosts: list[HostProgress],
    cells: Mapping[str, Mapping[str, list[Cell]]],
    document: Document | None,
) -> list[FleetRow]:
    from cachetui.compare.groups import gather, outcome

    runs = {(r.host, r.scenario, r.repeat): r for r in document.runs} if document else {}

    def of(host: HostProgress) -> Hashable:
        ways: list[Hashable] = [host.state]
        for own in cells[host.name].values():
            for cell in own:
                run = runs.get(cell.key)
                ways.append(outcome(run) if run is not None else cell.state)
        return tuple(ways)

    return [
        FleetRow(group.hosts[0], group.name, group.hosts, group.odd)
        for group in gather((host.name, of(host)) for host in hosts)
    ]


def _matches(
    host: HostProgress,
    cells: Mapping[str, list[Cell]],
    words: str,
    tags: Mapping[str, tuple[str, ...]],
) -> bool:
    if not words.strip():
        return True
    text = " ".join(
        (
            host.name,
            *(f"@{tag}" for tag in tags.get(host.name, ())),
            host.state,
            host.facts.engine if host.facts else "",
            host.facts.store if host.facts else "",
            *(cell.state for own in cells.values() for cell in own),
        )
    ).lower()
    return all(word in text for word in words.lower().split())


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which "ci-2" stands before "ci-10"."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for char in name + "\0":
        if char.isdecimal() and char.isascii():
            digits += char
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, char))
    return parts


def _weight(cell: Cell | None) -> tuple[int, float]:
    """Failures weigh most, then the slowest."""
    if cell is None:
        return (0, 0.0)
    if cell.state in ("failed", "unreachable"):
        return (2, cell.seconds or 0.0)
    return (1, cell.seconds or 0.0)
