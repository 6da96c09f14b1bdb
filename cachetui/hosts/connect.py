"""From a host's settings to a connected machine; one `Connector` serves a fleet."""

from __future__ import annotations

import random
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cachetui.config.settings import HostSettings
from cachetui.hosts.local_machine import LocalMachine
from cachetui.hosts.machine import Cancel, Machine
from cachetui.hosts.ssh.config import SYSTEM_CONFIG, USER_CONFIG
from cachetui.hosts.ssh.errors import ConnectError
from cachetui.hosts.ssh.prompts import SshPrompts, TerminalPrompts

if TYPE_CHECKING:
    from cachetui.hosts.ssh.connections import SshConnections

TRIES = 6
"""Tries to connect to a host that drops connections: sshd does so to bursts (MaxStartups)."""

MAX_PAUSE = 4.0


class Connector:
    """What the hosts of a fleet share: ssh's configuration, known hosts, keys, jump hosts.

    Everything is read when the first SSH host is connected, once. Thread-safe.
    """

    def __init__(
        self,
        prompts: SshPrompts | None = None,
        *,
        ssh_config: Path | None = USER_CONFIG,
        system_config: Path | None = SYSTEM_CONFIG,
    ) -> None:
        self._prompts = prompts or TerminalPrompts()
        self._configs = (ssh_config, system_config)
        self._lock = Lock()
        self._connections: SshConnections | None = None

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
        """Connect and log in. Each step may take the host's `connect_timeout`.

        Dropped connections are tried again; nothing else is. Raises HostError.
        """
        if host.local:
            return LocalMachine(host.name, host.env, host.docker)
        from cachetui.hosts.ssh.machine import SshMachine

        for number in range(1, TRIES + 1):
            try:
                transport = self._shared().transport(host, cancel)
                return SshMachine(host.name, transport, host.env, host.docker)
            except ConnectError as error:
                if not error.retry or number == TRIES:
                    raise error.of(host.name) from None
            pause = min(MAX_PAUSE, random.uniform(0.2, 0.6) * 2 ** (number - 1))
            if cancel is None:
                time.sleep(pause)
            else:
                cancel.wait(pause)
        raise AssertionError("the last try raises")

    def close(self) -> None:
        """Close the connections to jump hosts, and with them all that go through them."""
        with self._lock:
            if self._connections is not None:
                self._connections.close()

    def _shared(self) -> SshConnections:
        with self._lock:
            if self._connections is None:
                from cachetui.hosts.ssh.connections import SshConnections

                self._connections = SshConnections(self._prompts, *self._configs)
            return self._connections
