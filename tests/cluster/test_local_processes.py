"""Hosts audited by processes of this machine: the recorded fleet over real SSH, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cachetui.audit.progress import Snapshot
from cachetui.cluster import local_processes
from cachetui.cluster.executor import connect
from cachetui.cluster.local_processes import LocalProcesses
from cachetui.demo.fleet import Fleet, demo_fleet
from cachetui.store.database import Store
from tests.cluster.fleet_audits import SCENARIOS, core_by, how, lines, prepare, steps

ROOT = Path(__file__).parents[2]


@pytest.fixture
def two() -> Iterator[LocalProcesses]:
    """Two processes, gone afterwards."""
    processes = LocalProcesses(2)
    yield processes
    processes.close()


def once(condition: object) -> None:
    """Wait until a process or a function is so."""
    end = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_they_bring_what_threads_bring(fleet: Fleet, two: LocalProcesses, tmp_path: Path) -> None:
    here = prepare(core_by(fleet, tmp_path / "here", None)).run()
    core = core_by(fleet, tmp_path / "there", two)
    audit = prepare(core)
    seen: list[Snapshot] = []
    audit.watch(seen.append)
    there = audit.run()
    assert how(there) == ["ok"] * 4
    assert steps(there) == steps(here)
    assert {cell.state for cell in seen[-1].cells} == {"done"}
    assert any(cell.state == "building" for look in seen for cell in look.cells)
    assert lines(core.store, there) == lines(Store(tmp_path / "here"), here)
    assert len(two.processes) == 2

    pids = [process.pid for process in two.processes]
    again = prepare(core).run()
    assert all(run.stored for run in again.runs)
    assert [process.pid for process in two.processes] == pids
    assert not list((tmp_path / "there" / "notes").glob("*"))


def test_there_are_no_more_than_hosts(fleet: Fleet, tmp_path: Path) -> None:
    processes = LocalProcesses(50)
    core = core_by(fleet, tmp_path, processes)
    assert how(prepare(core).run()) == ["ok"] * 4
    assert len(processes.processes) == 4
    processes.close()


def test_stopping_ends_it_as_here(two: LocalProcesses, tmp_path: Path) -> None:
    with demo_fleet(speed=0.5) as slow:
        audit = prepare(core_by(slow, tmp_path, two))

        def look(snapshot: Snapshot) -> None:
            if all(host.state == "building" for host in snapshot.hosts):
                audit.stop()

        audit.watch(look)
        document = audit.run()
    assert {(host.status, host.reason) for host in document.hosts} == {("skipped", "stopped")}
    assert [run.status for run in document.runs] == ["cancelled"] * 4


@pytest.mark.fault("worker-lost")
def test_a_killed_process_takes_only_its_own_hosts_along(
    two: LocalProcesses, tmp_path: Path
) -> None:
    """What had ended is kept, what it built is told, and another audit makes only that, with a new
    process in its place."""
    with demo_fleet(speed=2) as fleet:
        core = core_by(fleet, tmp_path, two)
        audit = prepare(core)
        ran, begun = threading.Event(), threading.Event()
        audit.watch_runs(lambda _: ran.set())

        def kill() -> None:
            ran.wait(60)
            os.kill(int(two.processes[0].pid), signal.SIGKILL)

        def look(snapshot: Snapshot) -> None:
            building = all(host.state == "building" for host in snapshot.hosts)
            if building and not begun.is_set():
                begun.set()
                threading.Thread(target=kill, daemon=True).start()

        audit.watch(look)
        document = audit.run()
        lost = [host for host in document.hosts if host.status != "ok"]
        assert len(lost) == 2, how(document)
        for host in lost:
            assert host.status == "failed"
            assert "worker process" in (host.reason or "")
            assert (host.remedy or "").startswith("run again with -w @failed")
        assert {run.status for run in document.runs} == {"ok"}
        assert 12 > len(document.runs) >= 6
        again = prepare(core).run()
        assert how(again) == ["ok"] * 4
        # It can be killed between keeping a run and telling of it.
        assert 0 <= sum(run.stored for run in again.runs) - len(document.runs) <= 2
        assert len(two.processes) == 2


def test_what_a_process_had_not_begun_goes_to_another(
    fleet: Fleet, two: LocalProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one dies before it has read its orders."""
    dying = "import os; os.kill(os.getpid(), 9)"
    starts = iter((dying, local_processes._START))
    real = subprocess.Popen

    def popen(words: list[str], **options: object) -> subprocess.Popen[bytes]:
        return real([*words[:3], next(starts), *words[4:]], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("cachetui.cluster.local_processes.subprocess.Popen", popen)
    document = prepare(core_by(fleet, tmp_path, two)).run()
    assert how(document) == ["ok"] * 4
    assert len(document.runs) == 4 * len(SCENARIOS)


def test_where_none_is_left_the_hosts_have_failed(
    fleet: Fleet, two: LocalProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_processes, "_START", "import sys; sys.exit(1)")
    document = prepare(core_by(fleet, tmp_path, two)).run()
    assert (
        how(document) == ["failed: its worker process ended early: no worker process is left"] * 4
    )


def test_they_end_with_the_auditor_s_process(tmp_path: Path) -> None:
    """Killed as it builds: no process stays, and builds are ended by them or by the hosts."""
    with demo_fleet(speed=0.5) as slow:
        words = ["run", "recorded-shop", "--hosts", str(slow.hosts_toml), "--progress", "quiet"]
        words += ["--store", str(tmp_path), "--executor", "processes:2"]
        auditor = subprocess.Popen([sys.executable, "-m", "cachetui", *words], cwd=ROOT)
        try:
            itself = psutil.Process(auditor.pid)
            once(lambda: len(itself.children()) == 2)
            workers = itself.children()
            once(lambda: all(worker.net_connections("tcp") for worker in workers))
        finally:
            auditor.kill()
            auditor.wait()
        _, left = psutil.wait_procs(workers, timeout=60)
        for process in left:
            process.kill()
        assert not left


@pytest.mark.parametrize(("word", "count"), [("processes:3", 3), ("processes", os.cpu_count())])
def test_the_word_of_the_command_line(word: str, count: int) -> None:
    found = connect(word)
    assert isinstance(found, LocalProcesses)
    assert found.count == count
    assert not found.processes


@pytest.mark.parametrize("word", ["processes:0", "processes:x", "processes:", "process:2"])
def test_another_word(word: str) -> None:
    with pytest.raises(Exception, match=r"or processes or processes:NUMBER"):
        connect(word)
