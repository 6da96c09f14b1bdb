"""What is kept of a host by its name beside results: builds of a day, what was agreed to."""

from __future__ import annotations

from collections.abc import Iterable

from cachetui.store.table import Table


class HostMarks:
    """Reads and keeps marks of hosts. Each call that keeps raises `StoreError`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def builds_of(self, host: str, day: str) -> int:
        """How many builds were counted on a host that day."""
        counted = self._table.text(f"builds:{host}:{day}")
        return int(counted) if counted is not None and counted.isdigit() else 0

    def count_build(self, host: str, day: str) -> None:
        """Count one, and forget the days before."""
        with self._table.together():  # or the counts of two at once would be one
            counted = self.builds_of(host, day)
            self._table.put_small(f"builds:{host}:{day}", str(counted + 1), "the count of builds")
        if not counted:
            earlier = (key for key in self._table.keys(f"builds:{host}:") if not key.endswith(day))
            self._table.remove(earlier)

    def not_agreed(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """The hosts at whose cache mounts nobody has agreed to peek yet."""
        return tuple(host for host in hosts if self._table.text(f"peek-mounts:{host}") is None)

    def agree(self, hosts: Iterable[str]) -> None:
        """The user agreed to what a peek does to the cache mounts of these hosts."""
        for host in hosts:
            self._table.put_small(f"peek-mounts:{host}", "agreed", "what you agreed to")
