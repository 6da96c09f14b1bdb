"""A machine's turn on an engine: whether the lease is ours, and the wait for it where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from cachetui.hosts.lease import SECONDS, Holder, Lease
from cachetui.hosts.machine import Cancel, Completed, HostError

LEASE_POLL = 5.0
"""Seconds from one try to get a lease to the next."""


class LeaseTurn:
    """The lease of a machine: whether it is ours, and what to do where it is not."""

    def __init__(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None,
    ) -> None:
        self.lease = lease
        self.impossible = False
        self._on_wait = on_wait
        self._cancel = cancel or Event()
        self._waiting = False
        self._heard: float | None = None

    @property
    def wanted(self) -> Lease | None:
        return None if self.impossible else self.lease

    @property
    def sure(self) -> bool:
        """Whether it was renewed so lately that it is ours still."""
        return self.impossible or (
            self._heard is not None and time.monotonic() - self._heard < SECONDS / 3
        )

    def heard(self) -> None:
        """A command has run under it, and renewed it."""
        self._heard = time.monotonic()

    def settled(self, host: str, done: Completed) -> bool:
        """Whether the command has run. If not, wait a while. Raises `HostError`."""
        if self.lease.impossible(done):
            self.impossible = True
            return False
        holder = self.lease.holder(done)
        if holder is None:
            self.heard()
            if self._waiting and self._on_wait is not None:
                self._waiting = False
                self._on_wait(None)
            return True
        if self._on_wait is None:
            raise HostError(
                host,
                "busy",
                f"{holder.owner} is at work on this engine",
                "try again when it is over",
            )
        self._waiting = True
        self._on_wait(holder)
        if self._cancel.wait(LEASE_POLL):
            raise HostError(host, "cancelled", "stopped")
        return False
