"""Queues of a Dask scheduler, from a worker's task and from the auditor."""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress

from distributed import Client, Queue, get_client, get_worker

from cachetui.cluster.link import Link


class ByteQueue:
    """A queue by name, whose items are bytes; made where it is not there."""

    def __init__(self, client: Client, name: str) -> None:
        self._queue = Queue(name, client=client)

    def put(self, item: bytes) -> None:
        self._queue.put(item)

    def get(self, seconds: float) -> bytes | None:
        """The next item, None when none comes in time."""
        try:
            item: bytes = self._queue.get(timeout=seconds)
        except TimeoutError:
            return None
        return item

    def rest(self) -> list[bytes]:
        """All items that are there."""
        items: list[bytes] = self._queue.get(batch=True)
        return items

    def close(self) -> None:
        self._queue.close()


class Senders:
    """Puts items into queues by their names, from any thread."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._queues: dict[str, ByteQueue] = {}

    def send(self, name: str, item: bytes) -> None:
        with self._lock:
            if name not in self._queues:
                self._queues[name] = ByteQueue(self._client, name)
            queue = self._queues[name]
        queue.put(item)

    def close(self) -> None:
        for queue in self._queues.values():
            with suppress(Exception):
                queue.close()


def link_of(desk: str) -> Link:
    """A link from this process of a worker to the auditor's desk of that name."""
    client = get_client()
    process = f"{desk}-{uuid.uuid4().hex[:12]}"
    own, up = ByteQueue(client, process), ByteQueue(client, desk)
    return Link(process, up.put, own.get)


def worker_address() -> str:
    """What Dask calls the worker whose task this is."""
    address: str = get_worker().address
    return address
