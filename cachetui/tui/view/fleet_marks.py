"""The marks that the user sets in Fleet. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cachetui.tui.view.fleet_rows import CellKey


class FleetMarks:
    """Marked `cells`; and marked `hosts` by name, for before an audit there are no cells."""

    def __init__(self) -> None:
        self.cells: set[CellKey] = set()
        self.hosts: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.cells or self.hosts)

    def toggle(self, cells: Iterable[CellKey]) -> None:
        """Mark these cells; unmark them when all of them are marked."""
        wanted = set(cells)
        self.cells = self.cells - wanted if wanted <= self.cells else self.cells | wanted

    def toggle_host(self, host: str) -> None:
        """Mark or unmark a host before an audit."""
        self.hosts ^= {host}

    def clear(self) -> None:
        """Remove all marks."""
        self.cells.clear()
        self.hosts.clear()

    def marked_hosts(self) -> set[str]:
        """Names of the hosts with a mark."""
        return {host for host, _, _ in self.cells} | self.hosts

    def marked_scenarios(self, scenarios: Collection[str]) -> set[str]:
        """Those of these scenarios with a mark; none when all of them have one."""
        marked = {scenario for _, scenario, _ in self.cells}
        return set() if marked >= set(scenarios) else marked
