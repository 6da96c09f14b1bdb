"""The auditor's side and a worker's, without Dask between them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from cachetui.audit.host_elsewhere import HostElsewhere
from cachetui.audit.keeping import Keeping
from cachetui.audit.progress_tracker import ProgressTracker
from cachetui.cluster import link as links
from cachetui.cluster.auditors_store import AuditorsStore
from cachetui.cluster.checks import ClusterError, check_encrypted, check_versions
from cachetui.cluster.desk import Desk
from cachetui.cluster.link import AuditorGone, Calls, Link
from cachetui.cluster.messages import PIECE, Granted, NotGranted
from cachetui.config.settings import HostSettings
from cachetui.core import Core, Options
from cachetui.demo.fleet import Fleet
from cachetui.hosts.daemon_threads import DaemonThreads
from cachetui.records.run import Run
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.troubles import StoreError
from tests.make_records import run as a_run

WORKER = "tcp://10.0.0.1:1"


@dataclass
class Office:
    """A desk for one host, and links of two processes to it. `called_off` are hosts."""

    desk: Desk
    part: HostElsewhere
    store: Store
    troubles: list[str | None]
    queues: dict[str, SimpleQueue[bytes]]
    called_off: list[str]
    links: list[Link] = field(default_factory=list)

    def calls(self, execution: str) -> Calls:
        """Those of an execution in a process of its own."""
        own = self.queues.setdefault(f"process of {execution}", SimpleQueue())

        def get(seconds: float) -> bytes | None:
            try:
                return own.get(timeout=min(seconds, 0.05))
            except Empty:
                return None

        link = Link(f"process of {execution}", self.desk.take, get)
        self.links.append(link)
        return Calls(link, execution)


@pytest.fixture
def office(fleet: Fleet, tmp_path: Path) -> Iterator[Office]:
    settings = fleet.core().settings
    host = HostSettings(name="ci-1", address="ci-1.example.com")
    store = Store(tmp_path / "store")
    build = settings.builds["recorded-shop"]
    task = Core(settings, store).prepare(build, [host], Options()).task
    tracker = ProgressTracker(task.audit, build.name, task.plan, ["ci-1"])
    part = HostElsewhere(host, None, tracker, threading.Event(), lambda: "stopped", lambda _: None)
    queues: dict[str, SimpleQueue[bytes]] = {}
    troubles: list[str | None] = []
    called_off: list[str] = []
    desk = Desk(
        task, {"ci-1": part}, "first", store, Keeping(troubles.append), tmp_path,
        DaemonThreads(4), lambda name, item: queues[name].put(item), called_off.append,
    )  # fmt: skip
    office = Office(desk, part, store, troubles, queues, called_off)
    yield office
    for link in office.links:
        link.end()


def begin(calls: Calls) -> Granted:
    granted: Granted = calls("begin", "ci-1", "first", WORKER)
    return granted


def test_a_host_is_given_once(office: Office) -> None:
    first, second = office.calls("one"), office.calls("two")
    assert begin(first).host.name == "ci-1"
    with pytest.raises(NotGranted):
        begin(second)
    assert office.part.ended
    assert office.part.report.reason == f"the Dask worker {WORKER} that audited it is gone"
    assert office.called_off == ["ci-1"]
    with pytest.raises(NotGranted):  # the first may live on: nothing is taken of it any more
        first("keep_run", a_run("ci-1", "legacy-cold"), None)
    assert office.part.runs == []


def test_an_order_of_an_earlier_go_is_not_carried_out(office: Office) -> None:
    with pytest.raises(NotGranted):
        office.calls("one")("begin", "ci-1", "before", WORKER)
    assert not office.part.ended


def test_a_stop_reaches_the_execution(office: Office) -> None:
    calls = office.calls("one")
    begin(calls)
    told = SimpleQueue[str]()
    office.links[0].on_stop("one", told.put)
    office.part.cancel.set()
    office.desk.look(frozenset([WORKER]))
    assert told.get(timeout=5) == "stopped"
    assert not office.part.ended  # it says itself how it ends


def test_a_host_that_nobody_has_begun_is_skipped(office: Office) -> None:
    office.part.cancel.set()
    office.desk.look(frozenset([WORKER]))
    assert office.part.report.status == "skipped"
    with pytest.raises(NotGranted):
        begin(office.calls("one"))


@pytest.mark.parametrize("silent", [False, True])
def test_a_worker_that_is_gone_or_silent_is_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    calls = office.calls("one")
    begin(calls)
    told = SimpleQueue[str]()
    office.links[0].on_stop("one", told.put)
    calls("begin_journal", "engine", "audit", a_run("ci-1", "legacy-cold"))
    if silent:
        monkeypatch.setattr("cachetui.cluster.desk.GONE", -1.0)
    office.desk.look(frozenset([WORKER] if silent else []))
    reason = office.part.report.reason or ""
    assert ("that audited it has been silent for" if silent else "is gone") in reason
    assert told.get(timeout=5) == reason
    assert len(list(office.store.left_journals("engine"))) == 1  # for the next audit to remove
    with pytest.raises(NotGranted):
        calls("find", "x", 1.0)


def test_what_is_kept_is_kept_here(office: Office, tmp_path: Path) -> None:
    calls = office.calls("one")
    granted = begin(calls)
    store = AuditorsStore(calls, granted.hasher_key, tmp_path)
    run: Run = a_run("ci-1", "legacy-cold")
    log = LogWriter(tmp_path / "log")
    for number in range(200_000):
        log.write(None, f"{random.random()} {number}\n".encode())
    log.close()
    assert log.path.stat().st_size > PIECE
    store.keep_run(run, log=log.path)
    assert office.store.run(run.id) == run
    kept = office.store.log(run.id)
    assert kept is not None
    with kept:
        assert sum(1 for _ in kept.whole()) == 200_000
    store.keep_blob("a", log.path)
    blob, none = store.blob("a"), store.blob("b")
    assert blob is not None
    assert blob.read() == log.path.read_bytes()
    assert none is None
    assert store.hasher.digest("value") == office.store.hasher.digest("value")
    assert store.hasher.matches("value", office.store.hasher.digest("value"))
    journal = store.begin_journal("engine", "audit", run)
    journal.note(run)
    assert not list(store.left_journals("engine"))  # it is open
    journal.leave()
    (left,) = store.left_journals("engine")
    assert len(left.lines()) == 1
    assert left.written_at > 0
    left.drop()
    assert not list(store.left_journals("engine"))


def test_what_cannot_be_kept_is_raised_there_and_told_here(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = office.calls("one")
    granted = begin(calls)

    def full(*_: object, **__: object) -> None:
        raise StoreError("no room")

    monkeypatch.setattr(office.store, "keep_run", full)
    with pytest.raises(StoreError, match="no room"):
        AuditorsStore(calls, granted.hasher_key, tmp_path).keep_run(a_run("ci-1", "legacy-cold"))
    assert (office.troubles[-1] or "").startswith("no room")
    assert (calls("trouble") or "").startswith("no room")


def test_a_worker_stops_when_the_auditor_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "SILENT", 0.3)
    monkeypatch.setattr(links, "PING", 0.05)
    said: list[bytes] = []
    link = Link("process", said.append, lambda _: time.sleep(0.05))
    told = SimpleQueue[str]()
    link.on_stop("one", told.put)
    with pytest.raises(AuditorGone):
        link.call("one", "find", "x", 1.0)
    assert told.get(timeout=5) == "the auditor cannot be reached"
    assert said


class Answering:
    """A client of Dask's whose scheduler and workers have these versions."""

    def __init__(self, scheduler: str, worker: str, found: object) -> None:
        self.scheduler, self.worker, self.found = scheduler, worker, found

    def get_versions(self) -> dict[str, object]:
        def of(version: str) -> dict[str, object]:
            return {"packages": {"distributed": version}}

        return {
            "client": of("2"),
            "scheduler": of(self.scheduler),
            "workers": {WORKER: of(self.worker)},
        }

    def run(self, *_: object, **__: object) -> dict[str, object]:
        return {WORKER: self.found}


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (Answering("1", "2", "x"), "Dask is 1 on the scheduler, and 2 here"),
        (Answering("2", "1", "x"), f"Dask is 1 on {WORKER}, and 2 here"),
        (Answering("2", "2", "0.0"), f"cachetui is 0.0 on the Dask worker {WORKER}, and "),
        (
            Answering("2", "2", Exception("No module named 'cachetui'")),
            r"cannot load cachetui: No module named 'cachetui'; install cachetui\[dask\]",
        ),
    ],
)
def test_versions_that_differ(client: Answering, message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        check_versions(client)


def test_what_goes_in_the_clear_is_refused() -> None:
    check_encrypted(["tls://10.0.0.1:1", "tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:2"])
    for address in ("tcp://10.0.0.1:8786", "10.0.0.1:1", "ws://host:1"):
        with pytest.raises(ClusterError, match=r"is not encrypted.*distributed\.comm\.tls"):
            check_encrypted(["tls://10.0.0.1:1", address])
