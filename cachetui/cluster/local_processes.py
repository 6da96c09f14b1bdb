"""Processes of this machine that audit hosts, since Python's threads use one core at a time. They
are begun with the first audit, serve later ones too, and end with this process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import Pipe as connections

from cachetui.audit.host_elsewhere import HostElsewhere
from cachetui.audit.keeping import Keeping
from cachetui.audit.task import AuditTask
from cachetui.cluster.desk import Desk
from cachetui.cluster.given_out import Words, give_out
from cachetui.cluster.messages import GONE, HostOrder
from cachetui.cluster.worker_process import ORDERS, Pipe
from cachetui.store.database import Store

LOOK = 0.1
"""Seconds between two looks at what is to stop, and at who is gone."""

_START = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from cachetui.cluster.worker_process import main; main()"
)
"""With the modules of this process, and none of the folder that it happens to be in."""


class WorkerProcess:
    """One process, in a session of its own: an interrupt at the terminal is the auditor's, who has
    builds ended in order. `take` is handed what it says, `on_gone` called once when it is gone."""

    def __init__(
        self, take: Callable[[str, bytes], None], on_gone: Callable[[WorkerProcess], None]
    ) -> None:
        ours, theirs = connections()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.pid = str(self._process.pid)
        self.orders: dict[HostOrder, Future[None]] = {}
        self.heard = time.monotonic()
        self._pipe = Pipe(ours)
        threading.Thread(
            target=self._listen, args=(take, on_gone), name="worker-process", daemon=True
        ).start()

    def _listen(
        self, take: Callable[[str, bytes], None], on_gone: Callable[[WorkerProcess], None]
    ) -> None:
        def heard(name: str, item: bytes) -> None:
            self.heard = time.monotonic()
            take(name, item)

        self._pipe.take_all(heard)
        self.end()
        on_gone(self)

    def send(self, name: str, item: bytes) -> None:
        """Bring it an item. Raises `OSError` where it is gone."""
        self._pipe.send(name, item)

    @property
    def silent(self) -> bool:
        """Whether it has hosts, and has said nothing for so long that they are lost."""
        return bool(self.orders) and time.monotonic() - self.heard > GONE

    def end(self) -> None:
        """End it by force; the hosts end what it builds there."""
        self._process.kill()
        self._process.wait()


class LocalProcesses:
    """`count` processes. One that dies is replaced when the next audit begins."""

    words = Words("the worker process", "its worker process")
    same_machine = True

    def __init__(self, count: int | None = None) -> None:
        self.count = count or os.cpu_count() or 1
        self.processes: list[WorkerProcess] = []
        self._lock = threading.RLock()
        self._desks: dict[str, Desk] = {}

    def audit(
        self,
        task: AuditTask,
        hosts: Sequence[HostElsewhere],
        store: Store,
        keeping: Keeping,
        *,
        at_once: int | None,
        on_note: Callable[[str], None],  # noqa: ARG002 (nothing leaves this machine)
        on_done: Callable[[], None],
    ) -> None:
        """See `Elsewhere.audit`."""
        with self._lock:
            while len(self.processes) < min(self.count, len(hosts)):
                self.processes.append(WorkerProcess(self._take, self._lost))
        give_out(task, hosts, store, keeping, self, at_once=at_once, on_done=on_done)

    def start(self, order: HostOrder, desk: Desk) -> Future[None]:
        """See `Carrier.start`: by the process that has the fewest."""
        future: Future[None] = Future()
        with self._lock:
            self._desks[order.desk] = desk
            self._give(order, future)
        return future

    def send(self, name: str, item: bytes) -> None:
        """See `Carrier.send`."""
        pid = name.partition("-")[0]
        with self._lock:
            process = next((one for one in self.processes if one.pid == pid), None)
        if process is not None:
            process.send(name, item)

    @contextmanager
    def talking(
        self,
        name: str,
        desk: Desk,
        parts: Mapping[str, HostElsewhere],  # noqa: ARG002 (any process may audit any host)
    ) -> Iterator[None]:
        """See `Carrier.talking`."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK):
                with self._lock:
                    pids = frozenset(process.pid for process in self.processes)
                desk.look(pids)
                for process in self.processes[:]:
                    if process.silent:  # else it would be given the next audit's hosts
                        process.end()

        with self._lock:
            self._desks[name] = desk
        threading.Thread(target=look, name="worker-processes", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            with self._lock:
                del self._desks[name]

    def _give(self, order: HostOrder, future: Future[None]) -> None:
        """Where no process is left, it has failed."""
        while self.processes:
            process = min(self.processes, key=lambda one: len(one.orders))
            process.orders[order] = future
            try:
                process.send(ORDERS, pickle.dumps(order))
            except OSError:  # it has died; its own thread will say so
                del process.orders[order]
                self.processes.remove(process)
            else:
                return
        error = RuntimeError("no worker process is left")
        # Whoever waits for it may begin another host's, and so on: not from here.
        threading.Thread(target=_fail, args=(future, error), daemon=True).start()

    def _take(self, name: str, item: bytes) -> None:
        if name != ORDERS:
            with self._lock:
                desk = self._desks.get(name)
            if desk is not None:
                desk.take(item)
            return
        order, error = pickle.loads(item)
        with self._lock:
            futures = [process.orders.pop(order, None) for process in self.processes]
        for future in futures:
            if future is not None and error:
                _fail(future, RuntimeError(error))
            elif future is not None and future.set_running_or_notify_cancel():
                future.set_result(None)

    def _lost(self, process: WorkerProcess) -> None:
        """What it had not begun goes to another."""
        with self._lock:
            if process in self.processes:
                self.processes.remove(process)
            orders, process.orders = process.orders, {}
            for order, future in orders.items():
                desk = self._desks.get(order.desk)
                if desk is not None and not desk.begun(order.host):
                    self._give(order, future)
                else:
                    _fail(future, RuntimeError("it is gone"))

    def close(self) -> None:
        """End them all, by force."""
        with self._lock:
            processes = self.processes[:]
        for process in processes:
            process.end()


def _fail(future: Future[None], error: Exception) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
