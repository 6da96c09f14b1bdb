"""The way to a host: directly, through jump hosts, or through a ProxyCommand.

Whatever can block has a time limit and can be called off: `Deadline` says both.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path
from threading import Lock

import paramiko

from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.hosts.machine import Cancel
from cachetui.hosts.ssh import transport as link
from cachetui.hosts.ssh.config import SYSTEM_KNOWN_HOSTS, SshConfig, Target
from cachetui.hosts.ssh.errors import STEP, ConnectError, Deadline
from cachetui.hosts.ssh.hop import Hop
from cachetui.hosts.ssh.keys import Agent, Identity, Keys, open_agent
from cachetui.hosts.ssh.known_hosts import KnownHosts
from cachetui.hosts.ssh.login import check_host_key, login
from cachetui.hosts.ssh.prompts import SshPrompts
from cachetui.hosts.ssh.proxy_command import open_command
from cachetui.hosts.ssh.route import Route, route

CONFIG_SECONDS = 60.0
"""Time limit of reading ~/.ssh/config, which may run commands (Match exec)."""


class Opening:
    """A connection to a jump host, being opened for the fleet by the first who needs it."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.transport: paramiko.Transport | None = None
        self.error: ConnectError | None = None

    def usable(self) -> bool:
        """Whether it is under way, or open still."""
        if not self.ended.is_set():
            return True
        return self.transport is not None and self.transport.is_active()


class SshConnections:
    """Configuration, known hosts, keys and jump hosts of a fleet. Thread-safe."""

    def __init__(self, prompts: SshPrompts, user: Path | None, system: Path | None) -> None:
        self._prompts = prompts
        self._files = (user, system)
        self._config: SshConfig | None = None
        self._reading = Lock()
        self._known = KnownHosts()
        self._keys = Keys()
        self._lock = Lock()
        self._jumps: dict[Route, Opening] = {}

    def transport(self, host: HostSettings, cancel: Cancel | None) -> paramiko.Transport:
        """A logged-in transport to a host. Raises ConnectError."""
        deadline = Deadline.after(host.connect_timeout, cancel)
        way = self._way(host, deadline)
        before: paramiko.Transport | None = None
        for number, jump in enumerate(way[:-1], 1):
            try:
                before = self._jump(way[:number], before, deadline)
            except ConnectError as error:
                raise error.copy(f"jump host {jump.alias}") from None
        return self._log_in(way[-1], host.identity_file, deadline, before)

    def close(self) -> None:
        """Close the connections to jump hosts."""
        with self._lock:
            jumps = list(self._jumps.values())
            self._jumps.clear()
        for jump in jumps:
            if jump.transport is not None:
                link.end(jump.transport)

    def _way(self, host: HostSettings, deadline: Deadline) -> Route:
        """The host, after the jump hosts that lead to it."""

        def read() -> Route:
            with self._reading:
                self._config = self._config or SshConfig.read(*self._files)
            place = Hop(host.address, host.user, host.port)
            target = self._config.target(place.alias, user=place.user, port=place.port)
            if host.known_hosts is not None:
                system = tuple(Path(name) for name in SYSTEM_KNOWN_HOSTS)
                target = replace(target, known_hosts=(host.known_hosts, *system))
            return route(self._config, place, target)

        try:
            return deadline.restarted(CONFIG_SECONDS).give(read)
        except ConfigError as error:
            raise ConnectError("unreachable", str(error), "correct ~/.ssh/config") from None
        except TimeoutError:
            raise ConnectError(
                "unreachable",
                f"~/.ssh/config could not be read within {CONFIG_SECONDS:g} s",
                "check its Match exec commands, and the files that it includes",
            ) from None

    def _jump(
        self, way: Route, before: paramiko.Transport | None, deadline: Deadline
    ) -> paramiko.Transport:
        """The fleet's one transport to the last host of a way.

        Whoever waits for another's attempt takes its outcome, also a failure: else a fleet behind
        a dead jump host would try it one after the other. An attempt that was called off tells
        nothing. Nobody waits for a way that is not shorter than their own, so none in a circle.
        """
        key = tuple(replace(target, alias="", jumps=()) for target in way)
        while True:
            with self._lock:
                opening = self._jumps.get(key)
                mine = opening is None or not opening.usable()
                if opening is None or mine:
                    opening = self._jumps[key] = Opening()
            if mine:
                return self._open(key, opening, way[-1], before, deadline)
            while not opening.ended.wait(STEP):
                deadline.left()
            if opening.transport is not None:
                return opening.transport
            if opening.error is not None:
                raise opening.error.copy()

    def _open(
        self,
        key: Route,
        opening: Opening,
        jump: Target,
        before: paramiko.Transport | None,
        deadline: Deadline,
    ) -> paramiko.Transport:
        try:
            transport = self._log_in(jump, None, deadline, before)
            with self._lock:
                if self._jumps.get(key) is opening:
                    opening.transport = transport
                    return transport
            link.end(transport)
            raise ConnectError("cancelled", "the connections were closed")
        except ConnectError as error:
            opening.error = error if error.kind != "cancelled" else None
            raise
        finally:
            opening.ended.set()

    def _log_in(
        self,
        target: Target,
        explicit: Path | None,
        deadline: Deadline,
        via: paramiko.Transport | None,
    ) -> paramiko.Transport:
        """Connect by whatever way the target has (`via` a jump host), check its key, log in."""
        agent = _agent(target, deadline)
        try:
            identities, algorithms = self._read_files(target, explicit, agent, deadline)
            sock = self._socket(target, deadline, via)
            where = f"port {target.port} of {target.host}"
            transport = link.handshake(sock, where, algorithms, deadline.restarted())
            try:
                check_host_key(transport, target, self._known, self._prompts, deadline)
                login(transport, target, identities, self._prompts, deadline.restarted())
            except BaseException:
                link.end(transport)
                raise
        finally:
            if agent is not None:
                agent.close()
        link.keep_alive(transport)
        return transport

    def _read_files(
        self, target: Target, explicit: Path | None, agent: Agent | None, deadline: Deadline
    ) -> tuple[list[Identity], tuple[str, ...]]:
        """The keys to log in with, and the host key algorithms to ask for first."""

        def read() -> tuple[list[Identity], tuple[str, ...]]:
            keys = agent.get_keys() if agent is not None else ()
            identities = self._keys.identities(target, explicit, keys)
            name, port = target.host_key_alias or target.host, target.port
            port = 22 if target.host_key_alias else port
            return identities, self._known.algorithms(target.known_hosts, name, port)

        try:
            return deadline.restarted().give(read)
        except TimeoutError:
            raise ConnectError(
                "login",
                f"its key and known_hosts files could not be read within {deadline.seconds:g} s",
                "check that each is a file, on a disk that answers",
            ) from None

    def _socket(
        self, target: Target, deadline: Deadline, via: paramiko.Transport | None
    ) -> socket.socket:
        if via is not None:
            return _forward(via, target, deadline.restarted())
        if target.command:
            return open_command(target.command)
        return link.open_socket(target.host, target.port, deadline.restarted())


def _agent(target: Target, deadline: Deadline) -> Agent | None:
    """The target's agent; None where none answers in time."""

    def close(agent: Agent | None) -> None:
        if agent is not None:
            agent.close()

    try:
        return deadline.restarted().give(lambda: open_agent(target), close)
    except TimeoutError:
        return None


def _forward(transport: paramiko.Transport, target: Target, deadline: Deadline) -> socket.socket:
    """A channel to the target from a jump host. Raises ConnectError."""
    where = f"port {target.port} of {target.host}"

    def open_channel() -> paramiko.Channel:
        # Its own limit is a little longer, so that ours tells.
        there, here = (target.host, target.port), ("127.0.0.1", 0)
        limit = deadline.seconds + 1
        return transport.open_channel("direct-tcpip", there, here, timeout=limit)

    try:
        channel = deadline.give(open_channel, paramiko.Channel.close)
    except paramiko.ChannelException as error:
        if error.code == 1:
            raise ConnectError(
                "unreachable",
                f"the jump host does not allow forwarding to {where}",
                "allow it: AllowTcpForwarding in the jump host's sshd_config",
            ) from None
        raise ConnectError(
            "unreachable", f"the jump host cannot reach {where} ({error.text})"
        ) from None
    except TimeoutError:
        raise ConnectError(
            "unreachable",
            f"the jump host did not connect to {where} within {deadline.seconds:g} s",
            "check that the host is up and that the jump host reaches it, or raise connect_timeout",
        ) from None
    except (paramiko.SSHException, EOFError, OSError):
        raise ConnectError(
            "unreachable", f"the jump host did not connect to {where}", retry=True
        ) from None
    return channel  # type: ignore[return-value]
