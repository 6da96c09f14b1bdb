"""A process of this machine that audits hosts: orders and answers come by a pipe, and what is told
goes back by it. It ends when the pipe does, and has its builds ended first."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue

from cachetui.cluster.link import Link
from cachetui.cluster.messages import HostOrder
from cachetui.cluster.worker import AuditHere, audit_order
from cachetui.hosts.daemon_threads import DaemonThreads
from cachetui.hosts.fan_out import GRACE, room

ORDERS = ""
"""The name under which orders come, and go back with why they failed: "" where they did not."""


class Pipe:
    """Named items over a connection, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, name: str, item: bytes) -> None:
        """Raises `OSError` where the other end is gone."""
        with self._lock:
            self._connection.send_bytes(name.encode() + b"\0" + item)

    def take_all(self, take: Callable[[str, bytes], None]) -> None:
        """Hand over each item that comes, until the other end is gone."""
        with suppress(EOFError, OSError):
            while True:
                name, _, item = self._connection.recv_bytes().partition(b"\0")
                take(name.decode(), item)

    def close(self) -> None:
        """Also for a thread that waits for an item: what it has is its own copy."""
        self._connection.close()


class _Worker:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._threads = DaemonThreads(room())
        self._lock = threading.Lock()
        self._links: dict[str, tuple[Link, SimpleQueue[bytes]]] = {}
        self._going: list[Future[None]] = []

    def work(self) -> None:
        """Until the auditor is gone and its builds have been ended."""
        self._pipe.take_all(self._take)
        with self._lock:
            links = list(self._links.values())
        for link, _ in links:
            link.end()
        wait(self._going, GRACE)

    def _take(self, name: str, item: bytes) -> None:
        if name == ORDERS:
            order: HostOrder = pickle.loads(item)
            self._going = [future for future in self._going if not future.done()]
            self._going.append(self._threads.submit(self._audit, order))
            return
        with self._lock:
            found = self._links.get(name)
        if found is not None:
            found[1].put(item)

    def _audit(self, order: HostOrder) -> None:
        error = ""
        try:
            audit_order(order, lambda: self._begin(order.desk), str(os.getpid()))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        with suppress(OSError):
            self._pipe.send(ORDERS, pickle.dumps((order, error)))

    def _begin(self, desk: str) -> AuditHere:
        """A link to the desk of that name. Its own name begins with this process."""
        queue: SimpleQueue[bytes] = SimpleQueue()

        def get(seconds: float) -> bytes | None:
            try:
                return queue.get(timeout=seconds)
            except Empty:
                return None

        name = f"{os.getpid()}-{desk}-{uuid.uuid4().hex[:12]}"
        with self._lock:
            self._links = {n: pair for n, pair in self._links.items() if not pair[0].ended}
            link = Link(name, lambda item: self._pipe.send(desk, item), get)
            self._links[name] = link, queue
        return AuditHere(link, same_machine=True)


def main() -> None:
    """`python -c … HANDLE`: work for whoever has the other end of that pipe."""
    _Worker(Pipe(Connection(int(sys.argv[1])))).work()
