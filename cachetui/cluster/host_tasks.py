"""The tasks of an audit's hosts, as an executor of `concurrent.futures`: Dask's or of processes
here, which only differ in how one is started."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from cachetui.cluster.messages import HostOrder


class HostTasks(Executor):
    """At most `at_once` hosts have a task at the same time (None: all). `start` begins one
    elsewhere, never tries it again after an error, and gives what becomes of it."""

    def __init__(self, start: Callable[[HostOrder], Future[Any]], at_once: int | None) -> None:
        self._start_elsewhere = start
        self._room = at_once
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], HostOrder]] = deque()
        self._given: dict[str, Future[Any]] = {}
        self._started: dict[str, Future[Any]] = {}

    def submit(self, _: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the host of one `HostOrder` audited; by what, `start` knows."""
        (order,) = args
        assert not kwargs
        future: Future[Any] = Future()
        with self._lock:
            self._given[order.host] = future
            self._waiting.append((future, order))
        self._begin()
        return future

    def call_off(self, host: str) -> None:
        """Wait for a host's task no more, and let it not begin again."""
        with self._lock:
            given, started = self._given.get(host), self._started.get(host)
        for future in (given, started):
            if future is not None:
                future.cancel()

    def _begin(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._room == 0:
                    return
                future, order = self._waiting.popleft()
                if future.cancelled():
                    continue
                if self._room is not None:
                    self._room -= 1
            self._start(future, order)

    def _start(self, future: Future[Any], order: HostOrder) -> None:
        def done(started: Future[Any]) -> None:
            with self._lock:
                if self._room is not None:
                    self._room += 1
            if not future.cancelled():
                if started.cancelled():
                    future.cancel()
                elif (error := started.exception()) is not None:
                    future.set_exception(error)
                else:
                    future.set_result(started.result())
            self._begin()

        started = self._start_elsewhere(order)
        with self._lock:
            self._started[order.host] = started
        started.add_done_callback(done)
