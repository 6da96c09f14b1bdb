"""A cable between this machine and a client in a network namespace of its own, to be pulled."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

Value = TypeVar("Value")

_NEWNET = 0x40000000


class Link:
    """A pair of virtual interfaces: this machine's end has `address`. Needs root.

    `down` takes the client's end away: packets vanish both ways, and neither side is told.
    """

    def __init__(self) -> None:
        number = os.getpid() % 250
        self.name = f"ct{os.getpid() % 1_000_000}"
        self.address, self._client = f"10.231.{number}.1", f"10.231.{number}.2"

    def __enter__(self) -> Self:
        ip("netns", "add", self.name)
        try:
            ip("link", "add", f"{self.name}h", "type", "veth", "peer", f"{self.name}c")
            ip("link", "set", f"{self.name}c", "netns", self.name)
            ip("addr", "add", f"{self.address}/30", "dev", f"{self.name}h")
            ip("link", "set", f"{self.name}h", "up")
            self._inside("addr", "add", f"{self._client}/30", "dev", f"{self.name}c")
            self._inside("link", "set", "lo", "up")
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "link", "del", f"{self.name}h"], check=False, timeout=20)
        ip("netns", "del", self.name)

    def down(self) -> None:
        self._inside("link", "set", f"{self.name}c", "down")

    def up(self) -> None:
        self._inside("link", "set", f"{self.name}c", "up")

    def client(self, work: Callable[[], Value]) -> Callable[[], Value]:
        """Start `work` at the client's end, in a thread; what is returned waits for its value."""
        done: list[Value] = []
        failed: list[BaseException] = []

        def enter() -> None:
            try:
                with open(Path("/run/netns") / self.name) as namespace:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(namespace.fileno(), _NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                done.append(work())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=enter, daemon=True)
        thread.start()

        def wait() -> Value:
            thread.join(180)
            assert not thread.is_alive(), "the client does not end"
            if failed:
                raise failed[0]
            return done[0]

        return wait

    def _inside(self, *words: str) -> None:
        ip("-n", self.name, *words)


def ip(*words: str) -> None:
    """Run `ip`. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)
