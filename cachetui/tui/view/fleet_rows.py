"""The rows of the fleet's matrix: filtered, grouped and sorted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cachetui.report.signs import ODD
from cachetui.tui.view.fleet_columns import FACTS, fact_weight

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress, Snapshot
    from cachetui.records.document import Document
    from cachetui.tui.view.fleet_agreement import FleetAgreement

GROUP_FROM = 17
"""Number of hosts from which identical ones are grouped unless the user says otherwise."""

HOST = ""
"""The key of the column of hosts; other columns are facts of hosts, and scenarios."""

CellKey: TypeAlias = tuple[str, str, int]
"""Host, scenario and repeat: a cell of an audit."""

CellsByHost: TypeAlias = "Mapping[str, Mapping[str, list[Cell]]]"
"""Host → scenario → its cells, one per repeat, in order."""


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A host, or identical hosts as a group. `key` is the first host's name, `name` names all of
    them in short, `sign` says whether it differs: see `FleetAgreement.host_sign`."""

    key: str
    name: str
    hosts: tuple[str, ...]
    sign: str

    @property
    def odd(self) -> bool:
        return self.sign == ODD


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
    ranks: Mapping[str, int] | None = None,
    only: Collection[str] = (),
    said: Mapping[str, str] | None = None,
) -> list[FleetRow]:
    """The rows to show. Each of `words` must occur in a host's name, tags, state or engine, or in
    what is `said` of it; with `only`, the host must be one of these.
    `ranks` are the places of hosts that a cause hits, by what it costs: they come first."""
    order = order or Order()
    ranks = ranks or {}
    cells = by_host(snapshot)
    hosts = [
        host
        for host in snapshot.hosts
        if (not only or host.name in only)
        and _matches(host, cells[host.name], words, tags or {}, (said or {}).get(host.name, ""))
    ]
    if grouped:
        rows = _grouped(hosts, cells, document, agreement)
    else:
        rows = [
            FleetRow(host.name, host.name, (host.name,), agreement.host_sign(host.name))
            for host in hosts
        ]
    states = {host.name: host.state for host in hosts}
    if order.column is None:
        if snapshot.finished:
            rows.sort(
                key=lambda row: (
                    min(ranks.get(host, len(ranks)) for host in row.hosts),
                    _oddness(row, agreement, states[row.key]),
                )
            )
        return rows
    if order.column == HOST:
        rows.sort(key=lambda row: _natural(row.name), reverse=order.backwards)
        return rows
    column = order.column
    if column in FACTS:
        facts = {host.name: host.facts for host in hosts}
        rows.sort(
            key=lambda row: fact_weight(column, [f for h in row.hosts if (f := facts[h])]),
            reverse=order.backwards,
        )
        return rows
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
    seconds of those that ended. What is not the same on all hosts is left out. None when there is
    no cell."""
    repeats = [_of_repeats(cells.get(host, {}).get(scenario, [])) for host in hosts]
    found = [cell for cell in repeats if cell is not None]
    if len(found) < 2:
        return found[0] if found else None
    return _of_hosts(found)


def _of_hosts(cells: list[Cell]) -> Cell:
    """One cell for hosts that are in the same state."""
    from statistics import median

    import msgspec

    first = cells[0]

    def same(name: str) -> Any:
        values = {getattr(cell, name) for cell in cells}
        return values.pop() if len(values) == 1 else None

    counted = same("step") is not None and same("steps") is not None
    times = [cell.seconds for cell in cells if cell.seconds is not None]
    seconds = median(times) if times and first.state in ("done", "stored") else None
    reasons = {cell.reason for cell in cells}
    several = "for several reasons: f unfolds the group and shows each"
    reason = first.reason if len(reasons) == 1 else several
    return msgspec.structs.replace(
        first,
        step=first.step if counted else 0,
        steps=first.steps if counted else 0,
        doing=same("doing") or "",
        age=same("age"),
        expected=same("expected"),
        seconds=seconds,
        reason=reason,
    )


def _of_repeats(group: list[Cell]) -> Cell | None:
    """One cell for the repeats of a scenario on a host."""
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
    hosts: list[HostProgress],
    cells: CellsByHost,
    document: Document | None,
    agreement: FleetAgreement,
) -> list[FleetRow]:
    """A row for each group of hosts of which the matrix shows the same, seconds and the counters
    of what is at work aside, and whose runs had the same outcomes."""
    from cachetui.compare.groups import gather, outcome

    runs = {(r.host, r.scenario, r.repeat): r for r in document.runs} if document else {}

    def outcomes(host: HostProgress) -> Hashable:
        result: list[Hashable] = [host.state, agreement.host_sign(host.name)]
        for scenario, repeats in cells[host.name].items():
            result.append(agreement.sign_of(host.name, scenario))
            for cell in repeats:
                run = runs.get(cell.key)
                ended = cell.state not in ("queued", "building")
                result.append((cell.state, outcome(run) if run is not None else None))
                result.append((cell.hits, cell.misses, cell.step, cell.steps) if ended else None)
        return tuple(result)

    return [
        FleetRow(
            group.hosts[0],
            group.name,
            group.hosts,
            agreement.host_sign(group.hosts[0]),
        )
        for group in gather((host.name, outcomes(host)) for host in hosts)
    ]


def _matches(
    host: HostProgress,
    cells: Mapping[str, list[Cell]],
    words: str,
    tags: Mapping[str, tuple[str, ...]],
    said: str,
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
            said,
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
