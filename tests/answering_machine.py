"""A machine of which a test says only what it answers to a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.machine import Cancel, Completed, OnOutput


class AnsweringMachine:
    """A `hosts.machine.Machine` without a host: each test has a class that says what it answers."""

    name = "h"

    def answer(self, command: str) -> Completed:
        raise NotImplementedError

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        del stdin, timeout, cancel
        return self.answer(command)

    def stream(
        self, command: str, on_output: OnOutput, *, timeout: float, cancel: Cancel | None = None
    ) -> int:
        done = self.run(command, timeout=timeout, cancel=cancel)
        on_output(done.stdout, time.monotonic())
        return done.status

    def hold(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None = None,
    ) -> None:
        raise AssertionError(f"nothing is built: {lease, on_wait, cancel}")

    def release(self) -> bool:
        return True

    def close(self) -> None: ...
