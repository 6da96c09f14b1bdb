"""Hosts audited by Dask workers: the recorded fleet over real SSH, real processes on loopback."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cachetui.audit.progress import Snapshot
from cachetui.cli.log_file import logging_to, redactor_of
from cachetui.cluster.checks import values_that_travel
from cachetui.cluster.executor import connect
from cachetui.cluster.messages import HostOrder
from cachetui.config.settings import HostSettings
from cachetui.core import Core, Options, UserError
from cachetui.demo.fleet import Fleet, demo_fleet
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.cluster.cluster import Cluster, dask_cluster
from tests.cluster.fleet_audits import SCENARIOS, how, lines, prepare, steps

ZONES = ("zone-a", "zone-b", "zone-c")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three workers, of a zone each."""
    workers = {zone: ("--resources", f"{zone}=8") for zone in ZONES}
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers) as cluster:
        yield cluster


def core_on(fleet: Fleet, store: Path, address: str | None, **of_hosts: object) -> Core:
    """A core over the fleet that has the cluster audit its hosts, in turn of the zones."""
    settings = fleet.core().settings
    hosts = tuple(
        msgspec.structs.replace(host, **{"dask_worker": ZONES[number % 3], **of_hosts})
        for number, host in enumerate(settings.hosts)
    )
    settings = msgspec.structs.replace(settings, hosts=hosts)
    return Core(settings, Store(store), elsewhere=connect(address) if address else None)


def test_it_brings_what_threads_bring(fleet: Fleet, cluster: Cluster, tmp_path: Path) -> None:
    here = prepare(core_on(fleet, tmp_path / "here", None)).run()
    core = core_on(fleet, tmp_path / "dask", cluster.address)
    audit = prepare(core)
    seen: list[Snapshot] = []
    audit.watch(seen.append)
    there = audit.run()
    assert how(there) == ["ok"] * 4
    assert steps(there) == steps(here)
    assert {cell.state for cell in seen[-1].cells} == {"done"}
    assert all(host.facts is not None for host in seen[-1].hosts)
    assert any(cell.state == "building" for look in seen for cell in look.cells)
    assert lines(core.store, there) == lines(Store(tmp_path / "here"), here)
    for mine, yours in zip(here.hosts, there.hosts, strict=True):
        assert mine.facts is not None
        assert yours.facts is not None
        assert mine.facts.engine == yours.facts.engine
        assert yours.left_behind_bytes == mine.left_behind_bytes
    stored = core.store.audit(there.audit)
    assert stored is not None
    assert len(stored.runs) == len(there.runs) == 12


def test_a_second_audit_is_answered_by_the_store(
    fleet: Fleet, cluster: Cluster, tmp_path: Path
) -> None:
    core = core_on(fleet, tmp_path, cluster.address)
    assert how(prepare(core).run()) == ["ok"] * 4
    assert not list((tmp_path / "notes").glob("*"))
    assert all(run.stored for run in prepare(core).run().runs)


def test_values_are_named_and_not_in_what_dask_keeps(fleet: Fleet, tmp_path: Path) -> None:
    core = core_on(fleet, tmp_path, None, env={"TOKEN": "a-secret-of-mine"})
    build = msgspec.structs.replace(
        core.settings.builds["recorded-shop"], build_args={"KEY": "another-secret"}
    )
    task = core.prepare(build, core.settings.hosts, Options()).task
    values = values_that_travel(task, core.settings.hosts)
    assert values == ["--build-arg KEY", "env TOKEN"]
    order = HostOrder("desk", core.settings.hosts[0].name, "attempt", "1")
    assert b"secret" not in pickle.dumps(order)


def test_hosts_that_no_worker_may_audit(fleet: Fleet, cluster: Cluster, tmp_path: Path) -> None:
    core = core_on(fleet, tmp_path, cluster.address)
    first, second, *rest = core.settings.hosts
    hosts = (
        msgspec.structs.replace(first, dask_worker="zone-d"),
        msgspec.structs.replace(second, address="local"),
        *rest,
    )
    core.settings = msgspec.structs.replace(core.settings, hosts=hosts)
    document = prepare(core).run()
    assert [host.status for host in document.hosts] == ["failed", "failed", "ok", "ok"]
    assert document.hosts[0].reason == "no worker of the Dask cluster has the resource zone-d"
    assert '--resources "zone-d=16"' in (document.hosts[0].remedy or "")
    assert (document.hosts[1].reason or "").startswith("it is this machine itself")


def test_fan_out_holds(fleet: Fleet, cluster: Cluster, tmp_path: Path) -> None:
    core = core_on(fleet, tmp_path, cluster.address)
    limits = msgspec.structs.replace(Options().limits, at_once=1)
    audit = prepare(core, limits=limits)
    most = 0

    def look(snapshot: Snapshot) -> None:
        nonlocal most
        busy = [h for h in snapshot.hosts if h.state not in ("queued", "done")]
        most = max(most, len(busy))

    audit.watch(look)
    document = audit.run()
    assert how(document) == ["ok"] * 4
    assert most == 1


def test_stopping_ends_it_as_here(cluster: Cluster, tmp_path: Path) -> None:
    with demo_fleet(speed=0.5) as slow:
        audit = prepare(core_on(slow, tmp_path, cluster.address))

        def look(snapshot: Snapshot) -> None:
            if all(host.state == "building" for host in snapshot.hosts):
                audit.stop()

        audit.watch(look)
        document = audit.run()
    assert {host.status for host in document.hosts} == {"skipped"}
    assert {host.reason for host in document.hosts} == {"stopped"}
    assert {run.status for run in document.runs} == {"cancelled"}
    assert len(document.runs) == 4


def test_a_log_can_be_read_while_its_build_runs(cluster: Cluster, tmp_path: Path) -> None:
    with demo_fleet(speed=2) as fleet:
        core = core_on(fleet, tmp_path, cluster.address)
        audit = prepare(core)
        host = core.settings.hosts[-1].name
        seen: list[list[str]] = []

        def follow() -> None:
            while thread.is_alive():
                log = audit.live_log(host, SCENARIOS[0], 1)
                if log is not None:
                    with log:
                        seen.append([line.text for line in log.whole()])
                time.sleep(0.05)

        documents: list[Document] = []
        thread = threading.Thread(target=lambda: documents.append(audit.run()), daemon=True)
        thread.start()
        follow()
    (document,) = documents
    assert how(document) == ["ok"] * 4
    run = next(r for r in document.runs if (r.host, r.scenario) == (host, SCENARIOS[0]))
    log = core.store.log(run.id)
    assert log is not None
    with log:
        whole = [line.text for line in log.whole()]
    assert len({len(so_far) for so_far in seen}) > 3, "it grew while it was looked at"
    for so_far in seen:
        assert so_far[:-1] == whole[: len(so_far)][:-1]  # the last may not have been whole
    assert audit.live_log(host, SCENARIOS[0], 1) is None


def test_a_log_file_has_what_workers_do(fleet: Fleet, cluster: Cluster, tmp_path: Path) -> None:
    core = core_on(fleet, tmp_path / "store", cluster.address)
    file = tmp_path / "log"
    with logging_to(file, redactor_of(core.settings.hosts)):
        assert how(prepare(core).run()) == ["ok"] * 4
    text = file.read_text()
    for host in core.settings.hosts:
        own = [line for line in text.splitlines() if f"[{host.name}]" in line]
        assert any("docker" in line and "build" in line for line in own), text
    other = tmp_path / "other"
    prepare(core).run()
    with logging_to(other, redactor_of(())):
        pass
    assert not [line for line in other.read_text().splitlines() if "docker" in line]


@pytest.mark.fault("worker-lost")
def test_a_killed_worker_takes_only_its_own_hosts_along(cluster: Cluster, tmp_path: Path) -> None:
    """What had ended on them is kept, what had not is told, and another audit makes only that. All
    else is audited to its end."""
    with demo_fleet(speed=2) as fleet, cluster.whole_again():
        core = core_on(fleet, tmp_path / "store", cluster.address, dask_worker=None)
        audit = prepare(core)
        ran = threading.Event()
        audit.watch_runs(lambda _: ran.set())

        def kill() -> None:
            victim = cluster.busy()
            ran.wait(60)
            cluster.kill(victim)

        begun = threading.Event()

        def look(snapshot: Snapshot) -> None:
            building = all(host.state == "building" for host in snapshot.hosts)
            if building and not begun.is_set():
                begun.set()
                threading.Thread(target=kill, daemon=True).start()

        audit.watch(look)
        document = audit.run()
        lost = [host for host in document.hosts if host.status != "ok"]
        assert 1 <= len(lost) <= 2, how(document)
        for host in lost:
            assert host.status == "failed"
            assert "the Dask worker tcp://127.0.0.1:" in (host.reason or "")
            assert (host.remedy or "").startswith("run again with -w @failed")
        assert {run.status for run in document.runs} == {"ok"}
        assert 12 > len(document.runs) >= 3 * (4 - len(lost))
        again = prepare(core_on(fleet, tmp_path / "store", None)).run()
        assert {run.status for run in again.runs} == {"ok"}
        # A worker can be killed between keeping a run and telling of it.
        stored = sum(run.stored for run in again.runs) - len(document.runs)
        assert 0 <= stored <= len(lost)


class TestWhatCannotBeUsed:
    def test_a_scheduler_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cachetui.cluster.dask_cluster.CONNECT_SECONDS", 0.5)
        with pytest.raises(Exception, match=r"the Dask scheduler tcp://127.0.0.1:1 cannot be re"):
            connect("dask://127.0.0.1:1")

    @pytest.mark.parametrize("text", ["scheduler:8786", "dask://scheduler", "ssh://a:1", "dask://"])
    def test_another_word(self, text: str) -> None:
        with pytest.raises(Exception, match=r"expected dask://HOST:PORT"):
            connect(text)

    def test_the_extra_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [*sys.modules]:
            if name.startswith("cachetui.cluster.dask_cluster"):
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(Exception, match=r"pip install 'cachetui\[dask\]'"):
            connect("dask://127.0.0.1:1")

    def test_outputs(self, fleet: Fleet, cluster: Cluster, tmp_path: Path) -> None:
        core = core_on(fleet, tmp_path, cluster.address)
        with pytest.raises(UserError, match="--outputs reads images from here"):
            prepare(core, outputs=True)


def test_a_key_of_hosts_toml(tmp_path: Path) -> None:
    from cachetui.config.hosts_toml import load

    file = tmp_path / "hosts.toml"
    file.write_text('[[hosts]]\nname = "a"\naddress = "b"\ndask_worker = "zone-a"\n')
    assert load(file).hosts == (HostSettings(name="a", address="b", dask_worker="zone-a"),)
