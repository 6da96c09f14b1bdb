"""The rows of the fleet's matrix: filtered, grouped and sorted. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress, Snapshot
    from cachetui.records.document import Document
    from cachetui.tui.view.fleet_agreement import FleetAgreement

GROUP_FROM = 17
"""Number of hosts from which identical ones are grouped unless the user says otherwise."""

HOST = ""
"""The key of the column of hosts; other columns are scenarios."""

CellKey: TypeAlias = tuple[str, str, int]
"""Host, scenario and repeat: a cell of an audit."""

CellsByHost: TypeAlias = "Mapping[str, Mapping[str, list[Cell]]]"
"""Host → scenario → its cells, one per repeat, in order."""


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A host, or identical hosts as a group. `key` is the first host's name, `name` names all of
    them in short, `odd` says whether it differs from the majority."""

    key: str
    name: str
    hosts: tuple[str, ...]
    odd: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The column to sort by (None: as configured, odd ones first), and whether backwards."""

    column: str | None = None
    backwards: bool = False

    def after(self, column: str) -> Order:
        """The order after the user chose a column: by it, then backwards, then as it was."""
        if self.column != column:
            return Order(column)
        return Order() if self.backwards else Order(column, True)


def fleet_rows(
    snapshot: Snapshot,
    document: Document | None,
    agreement: FleetAgreement,
    *,
    words: str = "",
    order: Order | None = None,
    grouped: bool = False,
    tags: Mapping[str, tuple[str, ...]] | None = None,
) -> list[FleetRow]:
    """The rows to show. Each of `words` must occur in a host's name, tags, state or engine."""
    order = order or Order()
    cells = by_host(snapshot)
    hosts = [host for host in snapshot.hosts if _matches(host, cells[host.name], words, tags or {})]
    if grouped:
        rows = list({row.key: row for row in _grouped(hosts, cells, document)}.values())
    else:
        odd = agreement.odd_hosts
        rows = [FleetRow(host.name, host.name, (host.name,), host.name in odd) for host in hosts]
    states = {host.name: host.state for host in hosts}
    if order.column is None:
        if snapshot.finished:
            rows.sort(key=lambda row: _oddness(row, agreement, states[row.key]))
        return rows
    if order.column == HOST:
        rows.sort(key=lambda row: _natural(row.name), reverse=order.backwards)
        return rows
    column = order.column
    return sorted(
        rows,
        key=lambda row: _weight(merged(cells, row.hosts, column)),
        reverse=not order.backwards,
    )


def _oddness(row: FleetRow, agreement: FleetAgreement, state: str) -> int:
    """A sort key: first the hosts that the verdict names, then other odd or failed ones."""
    if agreement.first is not None and set(row.hosts) & set(agreement.first.odd):
        return 0
    return 1 if row.odd or state in ("unreachable", "failed") else 2


def by_host(snapshot: Snapshot) -> dict[str, dict[str, list[Cell]]]:
    """Cells by host and scenario, repeats in order."""
    cells: dict[str, dict[str, list[Cell]]] = {host.name: {} for host in snapshot.hosts}
    for cell in snapshot.cells:
        cells.setdefault(cell.host, {}).setdefault(cell.scenario, []).append(cell)
    return cells


_URGENCY = ("building", "failed", "unreachable", "cancelled", "queued", "skipped")


def merged(cells: CellsByHost, hosts: tuple[str, ...], scenario: str) -> Cell | None:
    """One cell for all repeats of a scenario on these hosts: the most urgent state, and the median
    seconds of those that ended. None when there is no cell."""
    group = [cell for host in hosts for cell in cells.get(host, {}).get(scenario, [])]
    if len(group) < 2:
        return group[0] if group else None
    ended = [cell for cell in group if cell.state in ("done", "stored")]
    for state in _URGENCY:
        for cell in group:
            if cell.state == state and not (state == "queued" and ended):
                return cell
    if not ended:
        return group[0]
    from statistics import median

    import msgspec

    times = [cell.seconds for cell in ended if cell.seconds is not None]
    worst = min(ended, key=lambda cell: cell.hits / (cell.hits + cell.misses or 1))
    state = "stored" if all(cell.state == "stored" for cell in ended) else "done"
    return msgspec.structs.replace(worst, state=state, seconds=median(times) if times else None)


def _grouped(
    hosts: list[HostProgress], cells: CellsByHost, document: Document | None
) -> list[FleetRow]:
    """A row for each group of hosts with the same outcomes in all runs."""
    from cachetui.compare.groups import gather, outcome

    runs = {(r.host, r.scenario, r.repeat): r for r in document.runs} if document else {}

    def outcomes(host: HostProgress) -> Hashable:
        result: list[Hashable] = [host.state]
        for repeats in cells[host.name].values():
            for cell in repeats:
                run = runs.get(cell.key)
                result.append(outcome(run) if run is not None else cell.state)
        return tuple(result)

    return [
        FleetRow(group.hosts[0], group.name, group.hosts, group.odd)
        for group in gather((host.name, outcomes(host)) for host in hosts)
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
            *(cell.state for repeats in cells.values() for cell in repeats),
        )
    ).lower()
    return all(word in text for word in words.lower().split())


def _natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key by which "ci-2" comes before "ci-10"."""
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
    """A sort key: failures weigh most, then the slowest."""
    if cell is None:
        return (0, 0.0)
    if cell.state in ("failed", "unreachable"):
        return (2, cell.seconds or 0.0)
    return (1, cell.seconds or 0.0)
