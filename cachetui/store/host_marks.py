"""What is kept of a host by its name beside results: builds of a day, what was agreed to."""

from __future__ import annotations

from collections.abc import Iterable

from cachetui.store.plain_cache import PlainCache


class HostMarks:
    """Reads and keeps marks of hosts. Each call that keeps raises `StoreError`."""

    def __init__(self, cache: PlainCache) -> None:
        self._cache = cache

    def builds_of(self, host: str, day: str) -> int:
        """How many builds were counted on a host that day."""
        counted = self._cache.text(f"builds:{host}:{day}")
        return int(counted) if counted is not None and counted.isdigit() else 0

    def count_build(self, host: str, day: str) -> None:
        """Count one, and forget the days before."""
        counted = self.builds_of(host, day)
        if not counted:
            for key in self._cache.keys(f"builds:{host}:"):
                self._cache.delete(key)
        self._cache.put_small(f"builds:{host}:{day}", str(counted + 1), "the count of builds")

    def not_agreed(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """The hosts at whose cache mounts nobody has agreed to peek yet."""
        return tuple(host for host in hosts if self._cache.text(f"peek-mounts:{host}") is None)

    def agree(self, hosts: Iterable[str]) -> None:
        """The user agreed to what a peek does to the cache mounts of these hosts."""
        for host in hosts:
            self._cache.put_small(f"peek-mounts:{host}", "agreed", "what you agreed to")
