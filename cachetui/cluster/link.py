"""A worker's process talking with the auditor: calls that are answered, and words that are not.

All executions of one audit in a process share a link. While the auditor cannot be reached for
`SILENT` seconds the link is dead, and so are its executions.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cachetui.cluster.messages import (
    PING,
    SILENT,
    Answer,
    LogWanted,
    Message,
    NotGranted,
    Stop,
    packed,
    unpacked,
)

POLL = 1.0
"""Seconds that are waited at a time for an item of the queue."""


class AuditorGone(Exception):
    """The auditor cannot be reached: its process ended, or the network between is down."""


class Link:
    """`put` an item into the auditor's queue; `get` one from this process's, None after some
    seconds without. Both raise what they like when the scheduler is gone."""

    def __init__(
        self,
        process: str,
        put: Callable[[bytes], None],
        get: Callable[[float], bytes | None],
    ) -> None:
        self.process = process
        self._put, self._get = put, get
        self._out: list[Message] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[str, Future[Any]]] = {}
        self._lost: set[str] = set()
        self._stops: dict[str, Callable[[str], None]] = {}
        self._logs: dict[str, Callable[[LogWanted], None]] = {}
        self._heard = time.monotonic()
        self._ended = False
        for work in (self._send, self._receive):
            threading.Thread(target=work, name="dask-link", daemon=True).start()

    @property
    def ended(self) -> bool:
        return self._ended

    def call(self, execution: str, method: str, *arguments: Any) -> Any:
        """What the auditor answers, or raises. Raises `AuditorGone` too, and `NotGranted` when the
        execution is lost."""
        future: Future[Any] = Future()
        number = next(self._numbers)
        with self._changed:
            if self._ended:
                raise AuditorGone
            if execution in self._lost:
                raise NotGranted
            self._open[number] = execution, future
            self._out.append(Message(self.process, execution, number, method, arguments))
            self._changed.notify()
        return future.result()

    def tell(self, execution: str, method: str, *arguments: Any) -> None:
        """Say something that is not answered, in order with all else of this execution."""
        with self._changed:
            self._out.append(Message(self.process, execution, None, method, arguments))
            self._changed.notify()

    def on_stop(self, execution: str, stop: Callable[[str], None] | None) -> None:
        """Call `stop` with the reason when the execution is to end; None: it has ended."""
        with self._changed:
            if stop is None:
                self._stops.pop(execution, None)
            else:
                self._stops[execution] = stop

    def on_log_wanted(self, execution: str, give: Callable[[LogWanted], None] | None) -> None:
        """Call `give` when somebody reads the log of a run under way; None: it has ended."""
        with self._changed:
            if give is None:
                self._logs.pop(execution, None)
            else:
                self._logs[execution] = give

    def end(self) -> None:
        """No more is said, and whoever waits for an answer gets `AuditorGone`."""
        with self._changed:
            self._ended = True
            waiting, self._open = list(self._open.values()), {}
            stops, self._stops = list(self._stops.values()), {}
            self._changed.notify()
        for stop in stops:
            stop("the auditor cannot be reached")
        for _, future in waiting:
            future.set_exception(AuditorGone())

    def _send(self) -> None:
        while True:
            with self._changed:
                if not self._out and not self._ended:
                    self._changed.wait(PING)
                if self._ended:
                    return
                if not self._out:
                    ping = next(self._numbers)
                    self._open[ping] = "", Future()
                    self._out.append(Message(self.process, "", ping, "ping"))
                out, self._out = self._out, []
            try:
                self._put(packed(out))
            except Exception:
                self.end()
                return

    def _receive(self) -> None:
        while not self._ended:
            try:
                item = self._get(POLL)
            except Exception:
                item = None
                time.sleep(POLL)
            if item is None:
                if time.monotonic() - self._heard > SILENT:
                    self.end()
                continue
            self._heard = time.monotonic()
            for message in unpacked(item):
                self._take(message)

    def _take(self, message: Answer | Stop | LogWanted) -> None:
        if isinstance(message, Stop):
            self._stop(message)
            return
        if isinstance(message, LogWanted):
            with self._changed:
                give = self._logs.get(message.execution)
            if give is not None:
                give(message)
            return
        with self._changed:
            _, future = self._open.pop(message.number, ("", None))
        if future is None:
            return
        if message.error is not None:
            future.set_exception(message.error)
        else:
            future.set_result(message.value)

    def _stop(self, message: Stop) -> None:
        with self._changed:
            stop = self._stops.get(message.execution)
            waiting: list[Future[Any]] = []
            if message.lost:
                self._lost.add(message.execution)
                theirs = [n for n, (whose, _) in self._open.items() if whose == message.execution]
                waiting = [self._open.pop(number)[1] for number in theirs]
        if stop is not None:
            stop(message.reason)
        for future in waiting:
            future.set_exception(NotGranted())


class Calls:
    """A link as one execution uses it."""

    def __init__(self, link: Link, execution: str) -> None:
        self._link, self._execution = link, execution

    def __call__(self, method: str, *arguments: Any) -> Any:
        """What the auditor answers, or raises. Raises `AuditorGone` too."""
        return self._link.call(self._execution, method, *arguments)

    def tell(self, method: str, *arguments: Any) -> None:
        """Say something that is not answered."""
        self._link.tell(self._execution, method, *arguments)
