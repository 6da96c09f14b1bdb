"""The BuildKit of an engine as a builder of its own: what buildx's driver `remote` connects to.

An engine gives its BuildKit to whoever asks for `/grpc` on its socket and upgrades (moby
`api/server/router/grpc`). This does so for each connection to a socket of its own, and passes on
what comes. Run with the paths of both sockets, ours first.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.host import Host

ASK = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def upgraded(engine: str) -> socket.socket:
    """A connection to the BuildKit of the engine with that socket."""
    there = socket.socket(socket.AF_UNIX)
    there.connect(engine)
    there.sendall(ASK)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += there.recv(1) or sys.exit(f"no upgrade: {head!r}")
    return there


def pass_on(here: socket.socket, there: socket.socket) -> None:
    """Send what one says to the other until it ends."""
    with suppress(OSError):
        while data := here.recv(65536):
            there.sendall(data)
    for end in (here, there):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def main(path: str, engine: str) -> None:
    """Listen until killed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        here, _ = listener.accept()
        there = upgraded(engine)
        for pair in ((here, there), (there, here)):
            threading.Thread(target=pass_on, args=pair, daemon=True).start()


def start_builder(host: Host, name: str, of: Host) -> None:
    """Create a builder of the driver remote on a host: the BuildKit of another host's engine."""
    path = host.dir / f"{name}.sock"
    argv = [sys.executable, __file__, str(path), str(of.docker_socket)]
    host.machine.spawn(argv, {**os.environ}, host.dir / f"{name}.log")
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    host.docker("buildx", "create", "--name", name, "--driver", "remote", f"unix://{path}")


def end_builder(host: Host, name: str) -> None:
    """Remove the builder and what answers for it."""
    host.docker("buildx", "rm", name, check=False)
    path = host.dir / f"{name}.sock"
    for process in host.machine.processes():
        if str(path) in process.argv:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
