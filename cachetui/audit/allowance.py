"""When, and how often, a host may be built on: `only_between` and `max_builds_per_day`."""

from __future__ import annotations

import time

from cachetui.config.settings import HostSettings
from cachetui.store.database import Store


def not_now(host: HostSettings, store: Store) -> str | None:
    """Why nothing may be built on the host now, None where it may. Times and days are those of the
    clock of the machine that cachetui runs on: the host is not asked."""
    now = time.localtime()
    if host.only_between is not None and not host.only_between.contain(now):
        return f"outside {host.only_between}"
    most = host.max_builds_per_day
    if most is not None and store.marks.builds_of(host.name, _day(now)) >= most:
        return f"max_builds_per_day ({most}) is reached"
    return None


def count_build(host: HostSettings, store: Store) -> None:
    """A build is about to run on the host. Raises `StoreError`."""
    if host.max_builds_per_day is not None:
        store.marks.count_build(host.name, _day(time.localtime()))


class Allowance:
    """The two for one host, by the clock and the store of this process."""

    def __init__(self, host: HostSettings, store: Store) -> None:
        self._host, self._store = host, store

    def not_now(self) -> str | None:
        """See `not_now`."""
        return not_now(self._host, self._store)

    def count_build(self) -> None:
        """See `count_build`. Raises `StoreError`."""
        count_build(self._host, self._store)


def _day(at: time.struct_time) -> str:
    return time.strftime("%Y-%m-%d", at)
