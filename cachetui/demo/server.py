"""A real SSH server on loopback that answers as recorded hosts did: one port for each host.

It takes one key, for any user, and runs nothing: a command gets what the recorded host printed,
with the recorded delays, or exit status 127.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Mapping, Sequence

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from cachetui.demo.placeholders import Command, command_of, script_size
from cachetui.demo.recording import Recording
from cachetui.demo.replay import Answer, Replay
from cachetui.hosts.ssh.transport import Socket

ADDRESS = "127.0.0.1"
STOPPED = 137
"""The exit status of what was told to stop: the watcher's KILL."""

_BLOCK = 64 * 1024
_BACKLOG = 256
_INPUT_SECONDS = 60.0


class DemoServer:
    """Listens for each of `hosts` on a free port of its own from the start. `speed` divides the
    recorded delays. `contexts`: see `Replay`. `unknown` are the commands that were asked for and
    are not in the recordings. Connections have daemon threads; `close` ends all.
    """

    def __init__(
        self,
        hosts: Sequence[Recording],
        *,
        host_key: paramiko.PKey,
        client_key: paramiko.PKey,
        contexts: Mapping[str, str],
        speed: float = 1.0,
    ) -> None:
        self.host_key = host_key
        self.client_key = client_key
        self.contexts = dict(contexts)
        self.speed = speed
        self.ports: list[int] = []
        self.unknown: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._transports: set[paramiko.Transport] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        for recording in hosts:
            listener = socket.create_server((ADDRESS, 0), backlog=_BACKLOG)
            listener.setblocking(False)
            self.ports.append(listener.getsockname()[1])
            self._selector.register(listener, selectors.EVENT_READ, recording)
        self._thread = threading.Thread(target=self._accept, name="demo-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and drop every connection. More than once does no harm."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.send(b"\0")
        self._thread.join(5.0)
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._wake.close()
        with self._lock:
            transports = list(self._transports)
        for transport in transports:
            transport.close()
        for transport in transports:
            transport.join(2.0)

    @property
    def running(self) -> bool:
        """Whether it still takes connections."""
        return self._thread.is_alive()

    def connections(self) -> int:
        """How many connections are open."""
        with self._lock:
            return sum(transport.is_active() for transport in self._transports)

    def _accept(self) -> None:
        while not self._closing.is_set():
            for key, _ in self._selector.select():
                if key.data is not None:
                    with contextlib.suppress(OSError):
                        sock, _ = key.fileobj.accept()  # type: ignore[union-attr]
                        self._begin(sock, key.data)

    def _begin(self, sock: socket.socket, recording: Recording) -> None:
        carrier = Socket(fileno=sock.detach())
        try:
            carrier.prepare()
            transport = paramiko.Transport(carrier)
            transport.daemon = True
            transport.add_server_key(self.host_key)
            with self._lock:
                self._transports = {other for other in self._transports if other.is_active()}
                self._transports.add(transport)
            transport.start_server(
                event=threading.Event(),
                server=_Login(self, Replay(recording, self.contexts)),
            )
        except (OSError, paramiko.SSHException):
            carrier.close()


class _Login(paramiko.ServerInterface):
    """One connection: who may log in, and what a session may do."""

    def __init__(self, server: DemoServer, replay: Replay) -> None:
        self._server = server
        self._replay = replay
        self._lock = threading.Lock()

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        ours = key.asbytes() == self._server.client_key.asbytes()
        return AUTH_SUCCESSFUL if ours else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        if kind == "session":
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        line = command.decode("utf-8", "surrogateescape")
        threading.Thread(
            target=self._run, args=(channel, line), name="demo-command", daemon=True
        ).start()
        return True

    def _run(self, channel: paramiko.Channel, line: str) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            try:
                self._answer(channel, line)
            finally:
                channel.close()

    def _answer(self, channel: paramiko.Channel, line: str) -> None:
        size = script_size(line)
        if size is None:
            # A plain command line is what anyone may type: its standard input is not ours. Nothing
            # may be sent before the library has said yes to it; the answer to this tells that.
            channel.get_transport().global_request("keepalive@openssh.com", wait=True)
            command: Command | None = Command(line, watched=False, merged=False)
        else:
            command = command_of(_read(channel, size))
        begun = time.monotonic()
        if command is None:
            channel.sendall_stderr(b"this is no script of cachetui's\n")
            channel.send_exit_status(2)
            return
        if size is not None and not command.watched:
            while channel.recv(_BLOCK):
                pass
        with self._lock:
            answer = self._replay.answer(command.text)
            if not answer.known:
                self._server.unknown.append(command.text)
        _play(channel, answer, command, begun, self._server.speed)


def _read(channel: paramiko.Channel, size: int) -> bytes:
    """The first `size` bytes of standard input; fewer when it ends before."""
    channel.settimeout(_INPUT_SECONDS)
    data = b""
    while len(data) < size and (block := channel.recv(size - len(data))):
        data += block
    return data


def _play(
    channel: paramiko.Channel, answer: Answer, command: Command, begun: float, speed: float
) -> None:
    """Print what was printed when it was, until the end or until it is told to stop."""
    for at, source, data in answer.parts:
        if not _wait(channel, begun + at / speed, command.watched):
            return
        if source == 2 and not command.merged:
            channel.sendall_stderr(data)
        else:
            channel.sendall(data)
    if _wait(channel, begun + answer.seconds / speed, command.watched):
        channel.send_exit_status(answer.status)


def _wait(channel: paramiko.Channel, until: float, watched: bool) -> bool:
    """Wait for a moment. False when the command was told to stop first, and has been."""
    while (left := until - time.monotonic()) > 0:
        if not watched:
            if channel.closed:
                return False
            time.sleep(min(left, 0.1))
            continue
        channel.settimeout(left)
        try:
            if not channel.recv(_BLOCK):
                channel.send_exit_status(STOPPED)
                return False
        except TimeoutError:
            return True
    return True
