"""Hosts' tasks on a Dask cluster, as an executor of `concurrent.futures`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

from distributed import Client

from cachetui.audit.host_elsewhere import HostElsewhere
from cachetui.cluster.messages import HostOrder


class HostTasks(Executor):
    """At most `at_once` of these hosts have a task at the same time (None: all). Each runs where
    its `dask_worker` is, is never tried again after an error, and its result is no other's."""

    def __init__(
        self, client: Client, hosts: Mapping[str, HostElsewhere], at_once: int | None
    ) -> None:
        self._client, self._hosts = client, hosts
        self._room = len(hosts) if at_once is None else at_once
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[..., Any], HostOrder]] = deque()
        self._given: dict[str, Future[Any]] = {}
        self._on_dask: dict[str, Future[Any]] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """`fn` with one `HostOrder`."""
        (order,) = args
        assert not kwargs
        future: Future[Any] = Future()
        with self._lock:
            self._given[order.host] = future
            self._waiting.append((future, fn, order))
        self._begin()
        return future

    def call_off(self, host: str) -> None:
        """Wait for a host's task no more, and let Dask not begin it again."""
        with self._lock:
            given, on_dask = self._given.get(host), self._on_dask.get(host)
        for future in (given, on_dask):
            if future is not None:
                future.cancel()

    def _begin(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._room <= 0:
                    return
                future, fn, order = self._waiting.popleft()
                if future.cancelled():
                    continue
                self._room -= 1
            self._start(future, fn, order)

    def _start(self, future: Future[Any], fn: Callable[..., Any], order: HostOrder) -> None:
        zone = self._hosts[order.host].host.dask_worker
        resources = {} if zone is None else {"resources": {zone: 1}}

        def done(on_dask: Future[Any]) -> None:
            with self._lock:
                self._room += 1
            if not future.cancelled():
                if on_dask.cancelled():
                    future.cancel()
                elif (error := on_dask.exception()) is not None:
                    future.set_exception(error)
                else:
                    future.set_result(on_dask.result())
            self._begin()

        executor: Executor = self._client.get_executor(pure=False, retries=0, **resources)
        on_dask = executor.submit(fn, order)
        with self._lock:
            self._on_dask[order.host] = on_dask
        on_dask.add_done_callback(done)
