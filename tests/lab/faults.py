"""Addresses on loopback that do not work, each in a way of its own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

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
