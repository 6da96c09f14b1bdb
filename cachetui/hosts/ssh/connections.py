"""The way to a host: directly, through jump hosts, or through a ProxyCommand."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path
from threading import Lock

import paramiko

from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.hosts.machine import Cancel
from cachetui.hosts.ssh import transport as link
from cachetui.hosts.ssh.config import SYSTEM_KNOWN_HOSTS, SshConfig, Target, hop
from cachetui.hosts.ssh.errors import ConnectError, Deadline
from cachetui.hosts.ssh.keys import Keys, open_agent
from cachetui.hosts.ssh.known_hosts import KnownHosts
from cachetui.hosts.ssh.login import check_host_key, login
from cachetui.hosts.ssh.prompts import SshPrompts

MAX_HOPS = 8


class SshConnections:
    """Configuration, known hosts, keys and jump hosts of a fleet. Thread-safe."""

    def __init__(self, prompts: SshPrompts, user: Path | None, system: Path | None) -> None:
        self._prompts = prompts
        self._files = (user, system)
        self._config: SshConfig | None = None
        self._known = KnownHosts()
        self._keys = Keys()
        self._lock = Lock()
        self._jumps: dict[tuple[object, ...], tuple[Lock, list[paramiko.Transport]]] = {}

    def transport(self, host: HostSettings, cancel: Cancel | None) -> paramiko.Transport:
        """A logged-in transport to a host. Raises ConnectError."""
        try:
            target = self._configuration().target(host.address, user=host.user, port=host.port)
        except ConfigError as error:
            raise ConnectError("unreachable", str(error), "correct ~/.ssh/config") from None
        if host.known_hosts is not None:
            system = tuple(Path(name) for name in SYSTEM_KNOWN_HOSTS)
            target = replace(target, known_hosts=(host.known_hosts, *system))
        deadline = Deadline.after(host.connect_timeout, cancel)
        return self._log_in(target, host.identity_file, deadline, ())

    def close(self) -> None:
        """Close the connections to jump hosts."""
        with self._lock:
            jumps = list(self._jumps.values())
            self._jumps.clear()
        for _, transports in jumps:
            for transport in transports:
                link.end(transport)

    def _configuration(self) -> SshConfig:
        with self._lock:
            if self._config is None:
                self._config = SshConfig.read(*self._files)
            return self._config

    def _log_in(
        self,
        target: Target,
        explicit: Path | None,
        deadline: Deadline,
        chain: tuple[str, ...],
        via: paramiko.Transport | None = None,
    ) -> paramiko.Transport:
        """Connect by whatever way the target has (`via` a jump host), check its key, log in."""
        agent = open_agent(target)
        try:
            keys = agent.get_keys() if agent is not None else ()
            identities = self._keys.identities(target, explicit, keys)
            sock = _forward(via, target, deadline) if via else self._socket(target, deadline, chain)
            name, port = target.host_key_alias or target.host, target.port
            algorithms = self._known.algorithms(
                target.known_hosts, name, 22 if target.host_key_alias else port
            )
            where = f"port {port} of {target.host}"
            transport = link.handshake(sock, where, algorithms, deadline.restarted())
            try:
                check_host_key(transport, target, self._known, self._prompts)
                login(transport, target, identities, self._prompts, deadline.restarted())
            except BaseException:
                link.end(transport)
                raise
        finally:
            if agent is not None:
                agent.close()
        link.keep_alive(transport)
        return transport

    def _socket(self, target: Target, deadline: Deadline, chain: tuple[str, ...]) -> socket.socket:
        if target.jumps:
            return self._through(target, deadline, chain)
        if target.command:
            return _command_socket(target.command)
        return link.open_socket(target.host, target.port, deadline.restarted())

    def _through(self, target: Target, deadline: Deadline, chain: tuple[str, ...]) -> socket.socket:
        """A channel to the target from the last of its jump hosts."""
        transport: paramiko.Transport | None = None
        way: tuple[object, ...] = ()
        for text in target.jumps:
            try:
                place = hop(text)
                jump = self._configuration().target(place.alias, user=place.user, port=place.port)
            except ConfigError as error:
                raise ConnectError("unreachable", str(error), "correct ~/.ssh/config") from None
            if len(chain) >= MAX_HOPS or jump.alias in chain:
                loop = " → ".join((*chain, jump.alias))
                raise ConnectError("unreachable", f"ProxyJump is circular or too long: {loop}")
            chain = (*chain, jump.alias)
            if way:
                # Only the first hop's own ProxyJump counts, as in ssh.
                jump = replace(jump, jumps=(), command=None)
            way = (*way, jump.user, jump.host, jump.port)
            try:
                transport = self._jump(way, jump, transport, deadline, chain)
            except ConnectError as error:
                error.reason = f"jump host {jump.alias}: {error.reason}"
                raise
        assert transport is not None
        return _forward(transport, target, deadline)

    def _jump(
        self,
        way: tuple[object, ...],
        jump: Target,
        before: paramiko.Transport | None,
        deadline: Deadline,
        chain: tuple[str, ...],
    ) -> paramiko.Transport:
        """The fleet's one transport to a jump host, made by the first who needs it."""
        with self._lock:
            lock, have = self._jumps.setdefault(way, (Lock(), []))
        with lock:
            if have and have[0].is_active():
                return have[0]
            transport = self._log_in(jump, None, deadline.restarted(), chain, before)
            have[:] = [transport]
            return transport


def _forward(transport: paramiko.Transport, target: Target, deadline: Deadline) -> socket.socket:
    where = f"port {target.port} of {target.host}"
    try:
        channel = transport.open_channel(
            "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=deadline.seconds
        )
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
    except (paramiko.SSHException, EOFError, OSError):
        raise ConnectError(
            "unreachable", f"the jump host did not connect to {where}", retry=True
        ) from None
    return channel  # type: ignore[return-value]


class CommandSocket(socket.socket):
    """Our end of a ProxyCommand's standard input and output; closing it ends the command."""

    process: subprocess.Popen[bytes]

    def close(self) -> None:
        super().close()
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)


def _command_socket(command: str) -> socket.socket:
    """Start a ProxyCommand. One that fails closes its end, which the handshake reports."""
    ours, theirs = socket.socketpair()
    with theirs:
        sock = CommandSocket(fileno=ours.detach())
        sock.process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    return sock
