"""An audit's hosts given out to workers, whatever these are: one task a host, and a desk that takes
what is told of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from cachetui import __version__
from cachetui.audit.host_elsewhere import HostElsewhere
from cachetui.audit.keeping import Keeping
from cachetui.audit.task import AuditTask
from cachetui.cluster.desk import Desk
from cachetui.cluster.host_tasks import HostTasks
from cachetui.cluster.messages import HostOrder
from cachetui.cluster.worker import audit_host
from cachetui.hosts.daemon_threads import DaemonThreads
from cachetui.hosts.fan_out import Outcome, run_on_all
from cachetui.store.database import Store

ANSWERING = 8
"""Threads that answer workers: what they wait for is the store, which is one."""


@dataclass(frozen=True)
class Words:
    """What a worker and a host's task are called in a report."""

    worker: str
    task: str


class Carrier(Protocol):
    """What brings orders and messages to workers, for one audit."""

    words: Words
    same_machine: bool

    def start(self, order: HostOrder, desk: Desk) -> Future[Any]:
        """Have a worker take an order; what becomes of it."""
        ...

    def send(self, name: str, item: bytes) -> None:
        """Bring an item to a worker's process. Raises what it likes where that is gone."""
        ...

    def talking(
        self, name: str, desk: Desk, parts: Mapping[str, HostElsewhere]
    ) -> AbstractContextManager[None]:
        """Take to the desk of that name what workers say, and look after them, meanwhile."""
        ...


def give_out(
    task: AuditTask,
    hosts: Sequence[HostElsewhere],
    store: Store,
    keeping: Keeping,
    carrier: Carrier,
    *,
    at_once: int | None,
    on_done: Callable[[], None],
) -> None:
    """See `Elsewhere.audit`."""
    attempt = secrets.token_hex(8)
    name = f"cachetui-{task.audit}-{attempt}"
    parts = {host.name: host for host in hosts}
    tasks = HostTasks(lambda order: carrier.start(order, desk), at_once)
    with store.spool() as folder:
        desk = Desk(
            task,
            parts,
            attempt,
            store,
            keeping,
            folder,
            DaemonThreads(ANSWERING),
            carrier.send,
            tasks.call_off,
            worker_word=carrier.words.worker,
            same_machine=carrier.same_machine,
        )

        def done(outcome: Outcome[HostOrder, None]) -> None:
            part = parts[outcome.item.host]
            if part.cancel.is_set() and not desk.begun(part.name):
                part.skip()
            if not part.ended:
                why = f": {first_line(outcome.error)}" if outcome.error else ""
                desk.lose(part.name, f"{carrier.words.task} ended early{why}")
            on_done()

        orders = [HostOrder(name, host.name, attempt, __version__) for host in hosts]
        with carrier.talking(name, desk, parts):
            run_on_all(orders, audit_host, on_done=done, executor=tasks)
            desk.close()


def first_line(error: BaseException) -> str:
    """The first line of an error's text, its type where it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
