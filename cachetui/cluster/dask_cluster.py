"""A Dask cluster that audits hosts: connected, checked, and given one task a host."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client

from cachetui.audit.host_elsewhere import HostElsewhere
from cachetui.audit.keeping import Keeping
from cachetui.audit.task import AuditTask
from cachetui.cluster.checks import (
    ClusterError,
    Workers,
    check_encrypted,
    check_versions,
    values_that_travel,
    why_no_worker,
)
from cachetui.cluster.dask_queues import ByteQueue, Senders
from cachetui.cluster.desk import Desk
from cachetui.cluster.given_out import Words, first_line, give_out
from cachetui.cluster.messages import GONE, HostOrder
from cachetui.cluster.worker import audit_host
from cachetui.store.database import Store

CONNECT_SECONDS = 10.0
LISTEN = 1.0
LOOK = 0.1
ASK_WORKERS = 1.0
"""Seconds from one question which workers there are to the next."""

NO_WORKER = 30.0
"""Seconds that a host waits for a worker that may audit it, where the last one is gone."""


class DaskCluster:
    """A cluster by the address of its scheduler (`tls://HOST:PORT`, `HOST:PORT`). Raises
    `ClusterError`: it cannot be used, with the reason and the remedy."""

    def __init__(self, address: str) -> None:
        for logger in ("distributed", "distributed.client"):  # each has a level of its own
            logging.getLogger(logger).setLevel(logging.CRITICAL)  # errors are told by us
        self.address = address
        try:
            self._client = Client(
                address, timeout=CONNECT_SECONDS, set_as_default=False, name="cachetui"
            )
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise ClusterError(
                f"the Dask scheduler {address} cannot be reached: {first_line(error)}; start it "
                "with `dask scheduler`, or name another with --executor dask://HOST:PORT (one that "
                "has TLS with tls://HOST:PORT)"
            ) from None
        try:
            identity = self._identity()
            check_encrypted([identity["address"], *identity["workers"]])
            check_versions(self._client)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Part from the scheduler."""
        with suppress(Exception):
            self._client.close(timeout=2)

    def workers(self) -> Workers:
        """The workers that there are. Raises `ClusterError` when the scheduler is gone."""
        workers: Workers = self._identity()["workers"]
        return workers

    def _identity(self) -> dict[str, Any]:
        """What the scheduler says of itself and all workers. `scheduler_info` of the client would
        now and then leave the workers out: it gives what was asked last, by whatever thread."""
        try:
            assert self._client.scheduler is not None
            identity: dict[str, Any] = self._client.sync(self._client.scheduler.identity)
        except Exception:
            raise ClusterError(f"the Dask scheduler {self.address} is gone") from None
        return identity

    def audit(
        self,
        task: AuditTask,
        hosts: Sequence[HostElsewhere],
        store: Store,
        keeping: Keeping,
        *,
        at_once: int | None,
        on_note: Callable[[str], None],
        on_done: Callable[[], None],
    ) -> None:
        """See `Elsewhere.audit`."""
        hosts = self._those_with_a_worker(hosts, on_done)
        if not hosts:
            return
        if values := values_that_travel(task, [host.host for host in hosts]):
            on_note(f"Dask workers were given the values of {', '.join(values)}")
        carrier = _Carrier(self, self._client)
        give_out(task, hosts, store, keeping, carrier, at_once=at_once, on_done=on_done)
        carrier.close()

    def _those_with_a_worker(
        self, hosts: Sequence[HostElsewhere], on_done: Callable[[], None]
    ) -> list[HostElsewhere]:
        """The hosts that a worker may audit; the others have failed."""
        workers = self.workers()
        fit: list[HostElsewhere] = []
        for host in hosts:
            why = why_no_worker(host.host, workers)
            if why is None:
                fit.append(host)
            else:
                host.fail(*why)
                on_done()
        return fit


class _Carrier:
    """Queues of the scheduler, and its tasks: each where the host's `dask_worker` is."""

    words = Words("the Dask worker", "its task on the Dask cluster")
    same_machine = False

    def __init__(self, cluster: DaskCluster, client: Client) -> None:
        self._cluster, self._client = cluster, client
        self._senders = Senders(client)

    def send(self, name: str, item: bytes) -> None:
        """See `Carrier.send`."""
        self._senders.send(name, item)

    def start(self, order: HostOrder, desk: Desk) -> Future[Any]:
        """See `Carrier.start`. Dask gives no other task's result for it."""
        zone = desk.settings_of(order.host).dask_worker
        resources = {} if zone is None else {"resources": {zone: 1}}
        executor: Executor = self._client.get_executor(pure=False, retries=0, **resources)
        return executor.submit(audit_host, order)

    @contextmanager
    def talking(self, name: str, desk: Desk, parts: Mapping[str, HostElsewhere]) -> Iterator[None]:
        """See `Carrier.talking`."""
        queue = ByteQueue(self._client, name)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                with suppress(Exception):  # of a scheduler that is gone: see `look`
                    item = queue.get(LISTEN)
                    for each in () if item is None else (item, *queue.rest()):
                        desk.take(each)

        def look() -> None:
            watch = _Watch(self._cluster, desk, list(parts.values()))
            while not over.wait(LOOK):
                watch.look()

        for work in (listen, look):
            threading.Thread(target=work, name=f"dask-{work.__name__}", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            with suppress(Exception):
                queue.close()

    def close(self) -> None:
        """No more is sent."""
        self._senders.close()


class _Watch:
    """Looks after the hosts of an audit: which are to stop, and which have no worker any more."""

    def __init__(self, cluster: DaskCluster, desk: Desk, hosts: Sequence[HostElsewhere]) -> None:
        self._cluster, self._desk, self._hosts = cluster, desk, hosts
        self._workers: Workers = cluster.workers()
        self._asked = self._answered = time.monotonic()
        self._without: dict[str, float] = {}

    def look(self) -> None:
        now = time.monotonic()
        try:
            if now - self._asked > ASK_WORKERS:
                self._asked = now
                self._workers = self._cluster.workers()
                self._look_for_workers(now)
            self._answered = now
        except ClusterError as error:
            if now - self._answered > GONE:
                for host in self._hosts:
                    if not host.ended:
                        self._desk.lose(host.name, str(error))
        self._desk.look(frozenset(self._workers))

    def _look_for_workers(self, now: float) -> None:
        """Give up hosts that no worker can audit, for all the time that they wait."""
        for host in self._hosts:
            if host.ended or self._desk.begun(host.name):
                continue
            why = why_no_worker(host.host, self._workers)
            if why is None:
                self._without.pop(host.name, None)
            elif now - self._without.setdefault(host.name, now) > NO_WORKER:
                self._desk.lose(host.name, *why)
