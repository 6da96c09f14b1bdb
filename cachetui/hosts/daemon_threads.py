"""An executor of daemon threads: the standard library's keeps the process alive until they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from cachetui.hosts.one_heap import one_heap

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")


class DaemonThreads(Executor):
    """At most `limit` threads (at least one), begun as there is work. A thread that finds no more
    ends, so that nothing has to be shut down."""

    def __init__(self, limit: int) -> None:
        one_heap()
        self._free = max(1, limit)
        self._lock = threading.Lock()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._begun = 0

    def submit(
        self,
        fn: Callable[Arguments, Value],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Value]:
        """Have it done by the next thread that is free."""
        future: Future[Value] = Future()
        self._work.put(lambda: _do(future, lambda: fn(*args, **kwargs)))
        with self._lock:
            if self._free:
                self._free -= 1
                self._begun += 1
                name = f"fleet-{self._begun - 1}"
                threading.Thread(target=self._take, name=name, daemon=True).start()
        return future

    def _take(self) -> None:
        while True:
            with self._lock:  # `submit` puts work first and looks for a free thread then
                if self._work.empty():
                    self._free += 1
                    return
                work = self._work.get()
            work()


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)
