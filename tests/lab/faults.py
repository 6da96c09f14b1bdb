"""Addresses on loopback that do not work, each in a way of its own."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tests.lab.sshd import free_port

ADDRESS = "127.0.0.1"


def closed_port() -> tuple[str, int]:
    """An address and a port on which nobody listens: connections are refused."""
    return ADDRESS, free_port(ADDRESS)


@contextmanager
def silent_port() -> Iterator[tuple[str, int]]:
    """An address and a port that take connections and never say a word, until the block ends."""
    with socket.create_server((ADDRESS, 0), backlog=128) as server:
        yield ADDRESS, int(server.getsockname()[1])


@contextmanager
def slowly(target: str, pause: float) -> Iterator[str]:
    """An address, as `127.0.0.1:PORT`, that passes everything on to `target` (`ADDRESS:PORT`), and
    lets each block of an answer wait `pause` seconds, until the block ends."""
    address, port = target.rsplit(":", 1)
    with socket.create_server((ADDRESS, 0), backlog=128) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    upstream = socket.create_connection((address, int(port)), timeout=10)
                    upstream.settimeout(None)
                    Thread(target=pass_on, args=(client, upstream, 0.0), daemon=True).start()
                    Thread(target=pass_on, args=(upstream, client, pause), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        yield f"{ADDRESS}:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)  # an accept that waits returns


def pass_on(source: socket.socket, target: socket.socket, pause: float) -> None:
    """Copy from one socket to the other until either ends, with a pause before each block."""
    with suppress(OSError):
        while block := source.recv(16384):
            time.sleep(pause)
            target.sendall(block)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
