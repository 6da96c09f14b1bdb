"""The lab's hosts audited by three Dask workers, one of which is killed while it builds."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from cachetui.cluster.executor import connect
from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.store.database import Store
from tests.audit.test_stopping_lab import until, until_quiet
from tests.audits import audit, core_of, prepare
from tests.cluster.cluster import dask_cluster
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.state import State
from tests.sample_builds import folder

pytestmark = pytest.mark.lab

HOSTS = ("old", "mid", "new", "ctd")
SLOW = """\
FROM base:1
COPY src.txt /src
RUN echo {salt}; sleep 15.01
"""


def building(host: Host) -> bool:
    return any("sleep 15.01" in p.cmdline for p in host.processes() if p.kind == "step")


def steps_run(host: Host, since: float) -> int:
    """How many containers were made for steps since then: the engine's own record."""
    told = host.docker(
        "events", f"--since={since:.3f}", f"--until={time.time():.3f}",
        "--filter=type=container", "--filter=event=create", "--format={{.ID}}",
    )  # fmt: skip
    return len(told.stdout.split())


@pytest.mark.fault("worker-lost")
def test_a_killed_worker_builds_nothing_twice_and_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    build = folder(tmp_path / "slow", SLOW.format(salt=random.random()))
    before = {name: State.of(lab[name]) for name in HOSTS}
    since = time.time()
    with dask_cluster(tmp_path, dict.fromkeys("abc", ())) as cluster:
        core = Core(
            hosts_toml.load(lab.hosts_toml),
            Store(tmp_path / "store"),
            elsewhere=connect(cluster.address),
        )
        going = prepare(core, build, HOSTS, scenarios=("legacy-cold",))
        documents = []
        thread = threading.Thread(target=lambda: documents.append(going.run()), daemon=True)
        thread.start()
        until(lambda: all(building(lab[name]) for name in HOSTS), 60, "all build")
        cluster.kill(cluster.busy())
        killed = time.monotonic()
        thread.join(90)
        (document,) = documents
        until_quiet(*(lab[name] for name in HOSTS), seconds=35 - (time.monotonic() - killed))
        time.sleep(2)  # for a second go of the task, were there one
    status = {host.name: host.status for host in document.hosts}
    lost = [name for name in HOSTS if status[name] == "failed"]
    assert 1 <= len(lost) <= 2, document.hosts
    for host in document.hosts:
        if host.name in lost:
            assert "that audited it is gone" in (host.reason or ""), host.reason
            assert "-w @failed" in (host.remedy or "")
    assert {run.host: run.status for run in document.runs} == {
        name: "ok" for name in HOSTS if name not in lost
    }
    assert {name: steps_run(lab[name], since) for name in HOSTS} == dict.fromkeys(HOSTS, 1)
    again = audit(core_of(lab, tmp_path / "store"), build, HOSTS, scenarios=("legacy-cold",))
    assert {run.host: run.stored for run in again.runs} == {
        name: name not in lost for name in HOSTS
    }
    assert {run.status for run in again.runs} == {"ok"}
    for name in HOSTS:
        state = State.of(lab[name])
        assert state.docker == before[name].docker, (name, state.changes(before[name]))
