"""The auditor's side: gives hosts to executions, answers what they ask, takes what they tell.

A host is given once. Dask runs a task again when its worker is lost: that execution gets nothing,
and the host is lost with the first one, for its build may go on until the host itself ends it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cachetui.audit.allowance import Allowance
from cachetui.audit.host_elsewhere import AGAIN, HostElsewhere, LiveLogs
from cachetui.audit.keeping import Keeping
from cachetui.audit.task import AuditTask
from cachetui.cluster import log_records
from cachetui.cluster.messages import (
    GONE,
    Answer,
    Granted,
    LogWanted,
    Message,
    NotGranted,
    Stop,
    packed,
    unpacked,
)
from cachetui.cluster.store_calls import StoreCalls
from cachetui.config.settings import HostSettings
from cachetui.context.build_context import Context
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError

STOPS_SECONDS = 5.0
"""Seconds that telling workers to stop may take at the end: one that hears nothing stops later."""


@dataclass
class Execution:
    """A task under way: whose, where, and what it uses here."""

    name: str
    part: HostElsewhere
    process: str
    worker: str
    store: StoreCalls
    context: Iterator[bytes] = field(default_factory=lambda: iter(()))
    over: bool = False
    told_to_stop: bool = False


class Desk:
    """One audit's. `send` puts an item into a process's queue; `call_off` ends a host's task as far
    as who starts it is concerned. Workers on the `same_machine` read the context's files there."""

    def __init__(
        self,
        task: AuditTask,
        parts: Mapping[str, HostElsewhere],
        attempt: str,
        store: Store,
        keeping: Keeping,
        folder: Path,
        executor: Executor,
        send: Callable[[str, bytes], None],
        call_off: Callable[[str], None],
        *,
        worker_word: str = "the Dask worker",
        same_machine: bool = False,
    ) -> None:
        self._task = replace(task, context=_travelling(task.context, same_machine))
        self._worker_word = worker_word
        self._context = task.context
        self._parts, self._attempt = parts, attempt
        self._store, self._keeping, self._folder = store, keeping, folder
        self._executor, self._send, self._call_off = executor, send, call_off
        self._lock = threading.Lock()
        self._executions: dict[str, Execution] = {}
        self._of_host: dict[str, Execution] = {}
        self._heard: dict[str, float] = {}
        self._stops: list[Future[None]] = []

    def take(self, item: bytes) -> None:
        """What a process of a worker said."""
        for message in unpacked(item):
            self._heard[message.process] = time.monotonic()
            if message.number is None:
                self._take(message)
            else:
                self._executor.submit(self._answer, message)

    def look(self, workers: frozenset[str]) -> None:
        """Pass on that hosts are to stop; lose those whose worker is none of these any more, or has
        said nothing for `GONE` seconds."""
        now = time.monotonic()
        for part in self._parts.values():
            execution = self._of_host.get(part.name)
            if part.ended:
                continue
            if execution is None:
                if part.cancel.is_set():
                    part.skip()
                    self._call_off(part.name)
                continue
            if part.cancel.is_set() and not execution.told_to_stop:
                execution.told_to_stop = True
                self._tell_to_stop(execution, part.why_stopped())
            if execution.worker not in workers:
                self.lose(part.name, self._gone(execution))
            elif now - self._heard.get(execution.process, now) > GONE:
                what = f"{self._worker_word} {execution.worker} that audited it has been silent"
                self.lose(part.name, f"{what} for {GONE:.0f} s")

    def settings_of(self, host: str) -> HostSettings:
        """What hosts.toml says of it."""
        return self._parts[host].host

    def begun(self, host: str) -> bool:
        """Whether a worker audits it, or did."""
        return host in self._of_host

    def lose(self, host: str, reason: str, remedy: str = AGAIN) -> None:
        """Nothing more comes of this host; what it has brought is kept. What was noted of it can be
        found by the next audit, which removes it."""
        with self._lock:
            execution = self._of_host.get(host)
            if execution is not None:
                execution.over = True
        self._parts[host].fail(reason, remedy)
        self._call_off(host)
        if execution is not None:
            execution.store.leave_journals()
            self._tell_to_stop(execution, reason, lost=True)

    def close(self) -> None:
        """Wait a little until all that are to stop have been told."""
        wait(self._stops, STOPS_SECONDS)

    def _tell_to_stop(self, execution: Execution, reason: str, *, lost: bool = False) -> None:
        stop = packed([Stop(execution.name, reason, lost)])
        self._stops.append(self._executor.submit(self._send, execution.process, stop))

    def _answer(self, message: Message) -> None:
        assert message.number is not None
        try:
            answer = Answer(message.number, self._value(message))
        except Exception as error:
            if isinstance(error, StoreError):
                self._keeping.failed(error)
            answer = Answer(message.number, error=error)
        with suppress(Exception):  # a worker that is gone has no queue any more
            self._send(message.process, packed([answer]))

    def _value(self, message: Message) -> Any:
        if message.method == "ping":
            return None
        if message.method == "begin":
            return self._begin(message, *message.arguments)
        execution = self._executions.get(message.execution)
        if execution is None or execution.over:
            raise NotGranted
        own = getattr(self, f"_{message.method}_of", None)
        if own is not None:
            return own(execution, *message.arguments)
        return execution.store.call(message.method, *message.arguments)

    def _take(self, message: Message) -> None:
        execution = self._executions.get(message.execution)
        if execution is None or execution.over:
            return
        if message.method == "ran":
            execution.part.take_run(*message.arguments)
        elif message.method == "log":
            execution.part.take_log(*message.arguments)
        elif message.method == "logged":
            log_records.take(*message.arguments)
        else:
            host, cells, notes, report = message.arguments
            execution.part.take_progress(host, cells, notes)
            if report is not None:
                execution.part.take_report(report)

    def _begin(self, message: Message, host: str, attempt: str, worker: str) -> Granted:
        part = self._parts.get(host)
        if part is None or attempt != self._attempt or part.ended or part.cancel.is_set():
            raise NotGranted
        store = StoreCalls(self._store, self._folder)
        execution = Execution(message.execution, part, message.process, worker, store)
        with self._lock:
            first = self._of_host.setdefault(host, execution)
            if first is execution:
                self._executions[message.execution] = execution
        if first is not execution:
            self.lose(host, self._gone(first))  # else it would not have been begun again
            raise NotGranted
        part.live = LiveLogs(
            self._folder, lambda planned, block: self._want_log(execution, planned, block)
        )
        return Granted(part.host, part.only, self._store.hasher.key, log_records.wanted())

    def _want_log(self, execution: Execution, planned: Planned, block: int) -> None:
        wanted = packed([LogWanted(execution.name, planned, block)])
        self._executor.submit(self._send, execution.process, wanted)

    def _task_of(self, _: Execution) -> AuditTask:
        return self._task

    def _begin_context_of(self, execution: Execution) -> None:
        execution.context = self._context.tar_members()

    def _next_of_context_of(self, execution: Execution) -> bytes:
        """The next piece of the context's tar, b"" at its end."""
        parts: list[bytes] = []
        size = 0
        for piece in execution.context:
            parts.append(piece)
            size += len(piece)
            if size >= CONTEXT_PIECE:
                break
        return b"".join(parts)

    def _not_now_of(self, execution: Execution) -> str | None:
        return Allowance(execution.part.host, self._store).not_now()

    def _count_build_of(self, execution: Execution) -> None:
        Allowance(execution.part.host, self._store).count_build()

    def _trouble_of(self, _: Execution) -> str | None:
        return self._keeping.trouble

    def _not_kept_of(self, _: Execution, error: StoreError) -> None:
        self._keeping.failed(error)

    def _gone(self, execution: Execution) -> str:
        return f"{self._worker_word} {execution.worker} that audited it is gone"

    def _end_of(self, execution: Execution, report: Any) -> None:
        execution.part.take_report(report)
        execution.part.ended = True
        execution.store.leave_journals()


CONTEXT_PIECE = 1024 * 1024
"""Bytes of a context in one answer, at least, but for the last."""


def _travelling(context: Context, same_machine: bool) -> Context:
    """What a worker is given of a context. The folder of a fetched one goes with the auditor's."""
    fetched = context.fetched and replace(context.fetched, folder=None)
    return replace(context, fetched=fetched, sources=context.sources if same_machine else {})
