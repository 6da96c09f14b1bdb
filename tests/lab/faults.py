"""Addresses on loopback that do not work, each in a way of its own."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

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


def _connect_all(
    server: socket.socket, target: str, serve: Callable[[socket.socket, socket.socket], None]
) -> None:
    """Have `serve` take each client of the server with a connection of its own to `target`
    (`ADDRESS:PORT`), until the server is closed."""
    address, port = target.rsplit(":", 1)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                upstream = socket.create_connection((address, int(port)), timeout=10)
                upstream.settimeout(None)
                serve(client, upstream)

    Thread(target=accept, daemon=True).start()


@contextmanager
def slowly(target: str, pause: float) -> Iterator[str]:
    """An address, as `127.0.0.1:PORT`, that passes everything on to `target` (`ADDRESS:PORT`), and
    lets each block of an answer wait `pause` seconds, until the block ends."""
    with socket.create_server((ADDRESS, 0), backlog=128) as server:

        def serve(client: socket.socket, upstream: socket.socket) -> None:
            Thread(target=pass_on, args=(client, upstream, 0.0), daemon=True).start()
            Thread(target=pass_on, args=(upstream, client, pause), daemon=True).start()

        _connect_all(server, target, serve)
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


@dataclass
class BreakingLink:
    """A way to an address that breaks for good after so many bytes, once it is told `break_after`.

    `address` is what to connect to. From then on either each connection is reset, or, where it
    `stalls`, none says another word.
    """

    address: str
    _left: int | None = None
    _stalls: bool = False
    _upload: bool = False
    _lock: Lock = field(default_factory=Lock)
    mended: Event = field(default_factory=Event)

    def break_after(self, size: int, *, upload: bool, stalls: bool) -> None:
        """Let this many bytes pass, of what is sent (`upload`) or of what is answered."""
        with self._lock:
            self._left, self._upload, self._stalls = size, upload, stalls

    @property
    def is_broken(self) -> bool:
        """Whether as many bytes have passed."""
        return self._left is not None and self._left <= 0 and not self.mended.is_set()

    def serve(self, client: socket.socket, upstream: socket.socket) -> None:
        """Pass on what both say, each in a thread."""
        ends = (client, upstream)
        for upload, source, to in ((True, client, upstream), (False, upstream, client)):
            Thread(target=self._pass_on, args=(source, to, upload, ends), daemon=True).start()

    def _pass_on(
        self,
        source: socket.socket,
        to: socket.socket,
        upload: bool,
        ends: tuple[socket.socket, ...],
    ) -> None:
        with suppress(OSError):
            while block := source.recv(16384):
                with self._lock:
                    if self._left is not None and upload == self._upload:
                        self._left -= len(block)
                if self.is_broken and not self._stalls:
                    break
                if self.is_broken:
                    self.mended.wait()
                    break
                to.sendall(block)
        for end in ends:
            with suppress(OSError):
                if self.is_broken:  # a reset, and no orderly end
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.close()
                else:
                    end.shutdown(socket.SHUT_RDWR)


@contextmanager
def breaking_link(target: str) -> Iterator[BreakingLink]:
    """A way to `target` (`ADDRESS:PORT`) that can be broken, until the block ends."""
    with socket.create_server((ADDRESS, 0), backlog=128) as server:
        link = BreakingLink(f"{ADDRESS}:{server.getsockname()[1]}")

        _connect_all(server, target, link.serve)
        try:
            yield link
        finally:
            link.mended.set()
            server.shutdown(socket.SHUT_RDWR)  # an accept that waits returns
