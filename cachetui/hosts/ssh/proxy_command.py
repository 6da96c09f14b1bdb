"""A ProxyCommand: a process whose standard input and output are the connection."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

from cachetui.hosts.ssh.config_match import shell
from cachetui.hosts.ssh.errors import ConnectError

MOST_WORDS = 4096
"""Bytes of its standard error that are kept, the last ones."""

SHOWN_LINES = 3
END_SECONDS = 0.5
"""How long it may take to end: by itself when the connection has, and after a signal."""

DROPPED = re.compile(r"closed by|reset by|closed connection|broken pipe", re.IGNORECASE)
"""What ssh, nc and their like say of a connection that was dropped; another try can go better."""


class CommandSocket(socket.socket):
    """Our end of the command's standard input and output; closing it ends the command."""

    process: subprocess.Popen[bytes]
    _settled = False
    _status: int | None = None

    def listen_to_errors(self, errors: int) -> None:
        """Keep what the command says on standard error (a file descriptor; closed at its end)."""
        self._said = b""
        self._settling = threading.Lock()

        def read() -> None:
            with open(errors, "rb", buffering=0) as file:
                while block := file.read(MOST_WORDS):
                    self._said = (self._said + block)[-MOST_WORDS:]

        self._reader = threading.Thread(target=read, name="proxy command", daemon=True)
        self._reader.start()

    def close(self) -> None:
        self._settle()
        super().close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
                self._wait()

    def _wait(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)

    def _settle(self) -> None:
        """Note, before we close our end, whether the command has ended by itself, and how."""
        with self._settling:
            if not self._settled and self._has_left():
                # It closes its end a moment before it is gone.
                self._wait()
                self._status = self.process.poll()
            self._settled = True

    def _has_left(self) -> bool:
        if self.process.poll() is not None:
            return True
        try:
            return not self.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, TimeoutError):
            return False
        except OSError:
            return True

    def failure(self) -> ConnectError | None:
        """How the command failed, in its own words; None where it says nothing and did not fail."""
        self._settle()
        status = self._status
        if status is not None:
            # What it left running may hold its standard error open.
            self._reader.join(END_SECONDS)
        words = _last_lines(self._said)
        if not status and not words:
            return None
        ended = "has not ended" if status is None else _ending(status)
        said = f', and said "{words}"' if words else " without a word"
        return ConnectError(
            "unreachable",
            f"its ProxyCommand {ended}{said}",
            "run the ProxyCommand of ~/.ssh/config by hand",
            retry=not words or DROPPED.search(words) is not None,
        )


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status}"
    return f"ended with exit status {status}"


def _last_lines(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    text = " / ".join([line for line in lines if line][-SHOWN_LINES:])
    return "".join(char if char.isprintable() else "?" for char in text)[-300:]


def open_command(command: str) -> CommandSocket:
    """Start a ProxyCommand. One that fails closes its end, which the handshake reports."""
    ours, theirs = socket.socketpair()
    errors, their_errors = os.pipe()
    sock = CommandSocket(fileno=ours.detach())
    try:
        sock.process = subprocess.Popen(
            [shell(), "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=their_errors,
            start_new_session=True,
        )
    except BaseException:
        os.close(errors)
        socket.socket.close(sock)
        raise
    finally:
        theirs.close()
        os.close(their_errors)
    sock.listen_to_errors(errors)
    return sock
