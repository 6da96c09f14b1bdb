"""A connection's first steps: socket and SSH handshake; each with its time limit, each able to be
called off, and each with sentences of its own for what goes wrong."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from cachetui.hosts.ready_files import ready
from cachetui.hosts.ssh import host_certificate
from cachetui.hosts.ssh.channel import Transport
from cachetui.hosts.ssh.errors import STEP, ConnectError, Deadline, printable
from cachetui.hosts.ssh.proxy_command import CommandSocket

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Without a handler of their own, the library's messages would go to standard error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

DEAD_PEER_MS = 10_000
READ_AHEAD = 64 * 1024
IDLE_SECONDS = 1.0
"""Seconds between two looks of a connection's thread at whether it is wanted still, while nothing
comes. The library's tenth of a second is ten times the work, for each host."""

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)


_UNHEARD = (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN)


class Socket(socket.socket):
    """A TCP socket that sends and acknowledges at once, finds a dead peer within seconds, and
    remembers the first bytes that it received and why it ended, "" while it has not.

    It reads ahead, since the library reads each packet in two pieces: nobody may wait for the
    file descriptor to be readable.
    """

    first = b""
    ended = ""
    _heard = 0.0
    _ahead = memoryview(b"")
    _closing = False

    def prepare(self) -> None:
        """Set the options; those that a system does not know are left out."""
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", 10),
            ("TCP_KEEPINTVL", 5),
            ("TCP_KEEPCNT", 3),
            ("TCP_USER_TIMEOUT", DEAD_PEER_MS),
        ):
            if hasattr(socket, name):
                self.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if flags:
            raise ValueError("no flags: what was read ahead knows none")
        if not self._ahead:
            self._ahead = memoryview(self._received())
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return bytes(data)

    def close(self) -> None:
        """Also wakes a thread that waits for something to come."""
        self._closing = True
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
        super().close()

    def _received(self) -> bytes:
        try:
            data = super().recv(READ_AHEAD)
        except OSError as error:
            self._remember(error)
            raise
        self._heard = time.monotonic()
        if not data and not self._closing:
            self.ended = self.ended or "the host closed it"
        if len(self.first) < 64:
            self.first += data[:64]
        # The kernel forgets this option as it goes; without it each answer waits for 40 ms.
        if hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except OSError as error:
            self._remember(error)
            raise

    def _remember(self, error: OSError) -> None:
        # The library takes ETIMEDOUT for its own time limit, reads again, and finds an end.
        if error.errno in (None, errno.EAGAIN) or self.ended:
            return
        if error.errno in _UNHEARD:
            self.ended = f"the host was silent for {time.monotonic() - self._heard:.0f} s"
        else:
            self.ended = (error.strerror or str(error)).lower()


def open_socket(host: str, port: int, deadline: Deadline) -> Socket:
    """A TCP connection to a host, its addresses tried in order. Raises ConnectError."""
    addresses = _resolve(host, port, deadline)
    failure: ConnectError | None = None
    for number, (family, address) in enumerate(addresses):
        share = deadline.left() / (len(addresses) - number)
        sock = Socket(family, socket.SOCK_STREAM)
        try:
            sock.prepare()
            _connect(sock, address, Deadline.after(share, deadline.cancel))
        except ConnectError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            failure = _unreachable(host, port, deadline, error)
        else:
            return sock
    raise failure or ConnectError("unreachable", f"{host} has no address")


def _resolve(host: str, port: int, deadline: Deadline) -> list[tuple[int, tuple[object, ...]]]:
    """A name's addresses. The system's resolver knows no time limit."""
    failure: OSError | UnicodeError | None = None
    try:
        found = deadline.give(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        return [(family, address) for family, _, _, _, address in found]
    except (OSError, UnicodeError) as error:
        failure = error
    silent = isinstance(failure, TimeoutError) or (
        isinstance(failure, OSError) and failure.errno == socket.EAI_AGAIN
    )
    raise ConnectError(
        "unreachable",
        f"no name server answers for {host}" if silent else f"the name {host} is not known",
        "check the network and its name server"
        if silent
        else "correct address in hosts.toml, or give the host a name in DNS or ~/.ssh/config",
    )


def _connect(sock: socket.socket, address: tuple[object, ...], deadline: Deadline) -> None:
    """Connect without blocking, so that it can be called off. Raises OSError."""
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        while True:
            left = deadline.left()
            if not left:
                raise TimeoutError
            if ready(min(STEP, left), to_write=[sock.fileno()]):
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                break
    if code:
        raise OSError(code, "connect")
    sock.setblocking(True)


def _unreachable(host: str, port: int, deadline: Deadline, error: OSError) -> ConnectError:
    where = f"port {port} of {host}"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return ConnectError(
            "unreachable",
            f"{where} does not answer within {deadline.seconds:g} s",
            "check that the host is up and that no firewall blocks SSH, or raise connect_timeout",
        )
    if error.errno == errno.ECONNREFUSED:
        return ConnectError(
            "unreachable",
            f"{where} refuses connections",
            "check that sshd runs there on this port, or set port in hosts.toml",
        )
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN):
        return ConnectError(
            "unreachable", f"there is no route to {host}", "check the network or the VPN"
        )
    if error.errno in (errno.ECONNRESET, errno.ECONNABORTED):
        return ConnectError("unreachable", f"{where} dropped the connection", retry=True)
    return ConnectError(
        "unreachable", f"{where} cannot be reached: {errno.errorcode.get(error.errno or 0, '?')}"
    )


def handshake(
    sock: socket.socket, where: str, algorithms: tuple[str, ...], deadline: Deadline
) -> paramiko.Transport:
    """SSH begun over a socket (or what looks like one), no more than the server's key known.

    `algorithms` are the host key algorithms to ask for first. Raises ConnectError; the socket is
    closed then.
    """
    transport = Transport(sock)
    options = transport.get_security_options()
    options.ciphers = [*CIPHERS, *(name for name in options.ciphers if name not in CIPHERS)]
    usable = (*options.key_types, *host_certificate.ALGORITHMS)
    known = [name for name in algorithms if name in usable]
    options.key_types = [*known, *(name for name in options.key_types if name not in known)]
    transport.daemon = True
    transport.banner_timeout = transport.handshake_timeout = max(0.1, deadline.left())
    # Our own limit comes first, and has better words.
    transport.auth_timeout = transport.clear_to_send_timeout = deadline.seconds + 1
    event = threading.Event()
    try:
        transport.start_client(event=event)
        while not event.wait(STEP) and transport.is_active() and deadline.left():
            pass
        if transport.is_active() and transport.initial_kex_done:
            if isinstance(sock, Socket):  # whose close wakes the thread
                sock.settimeout(IDLE_SECONDS)
            return transport
        raise _no_handshake(transport, sock, where, deadline)
    except BaseException:
        end(transport)
        raise


def end(transport: paramiko.Transport) -> None:
    """Close a transport, and the timer that a handshake without an end leaves behind."""
    transport.packetizer.complete_handshake()
    transport.close()
    transport.sock.close()


def _no_handshake(
    transport: paramiko.Transport, sock: socket.socket, where: str, deadline: Deadline
) -> ConnectError:
    error = transport.get_exception()
    first = bytes(getattr(sock, "first", b""))
    spoke = transport.remote_version
    # The library turns whatever happens before the banner into one exception; its cause tells.
    cause = error.__context__ if error is not None and not spoke else error
    if isinstance(error, IncompatiblePeer):
        return ConnectError(
            "unreachable",
            f"{where} shares no algorithm with cachetui: {printable(str(error).encode(), 120)}",
            "update the host's sshd: it offers only outdated algorithms",
        )
    if first and not spoke and b"SSH-" not in first:
        busy = b"MaxStartups" in first or b"Not allowed" in first
        return ConnectError(
            "unreachable",
            f'{where} does not speak SSH: it sent "{printable(first)}"',
            "set the port of its sshd in hosts.toml",
            retry=busy,
        )
    if isinstance(sock, CommandSocket) and (failure := sock.failure()) is not None:
        return failure
    if isinstance(cause, EOFError | ConnectionError) and deadline.left():
        return ConnectError(
            "unreachable",
            f"{where} closed the connection {'during' if spoke else 'before'} the SSH handshake",
            "it may be overloaded (MaxStartups in its sshd_config) or refuse this address",
            retry=True,
        )
    if spoke:
        return ConnectError(
            "unreachable",
            f"{where} stopped answering during the SSH handshake for {deadline.seconds:g} s",
            "the host may be overloaded; connect_timeout can be raised",
        )
    return ConnectError(
        "unreachable",
        f"{where} accepted the connection but sent nothing within {deadline.seconds:g} s",
        "check that an sshd listens on this port and is not overloaded, or raise connect_timeout",
    )


def keep_alive(transport: paramiko.Transport) -> None:
    """Send something now and then, so that no router forgets the connection."""
    transport.set_keepalive(15)


def why_lost(transport: paramiko.Transport) -> str:
    """Why a transport ended, as a part of a sentence."""
    sock = transport.sock
    if isinstance(sock, Socket) and sock.ended:
        return sock.ended
    if isinstance(sock, paramiko.Channel) and not sock.get_transport().is_active():
        return f"the connection to the jump host broke: {why_lost(sock.get_transport())}"
    error = transport.get_exception()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "it was closed, by the host or on the way there"
