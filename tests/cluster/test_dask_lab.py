"""The lab's hosts audited by three Dask workers into a team's database, with the app open; one of
the workers is killed while it builds."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.cluster.executor import connect
from cachetui.config import hosts_toml
from cachetui.config.settings import Settings
from cachetui.core import Core
from cachetui.store.database import Store
from cachetui.store.place import DatabaseAddress
from cachetui.tui.screens.start_audit import show_started
from cachetui.tui.widgets.grid import Grid
from tests.audit.test_stopping_lab import until_quiet
from tests.audits import audit, prepare
from tests.cluster.cluster import Cluster, dask_cluster
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.state import State
from tests.sample_builds import folder
from tests.tui.driving import Driver, drive

pytestmark = [pytest.mark.lab, pytest.mark.needs("postgres")]

ZONE_OF = {"old": "a", "mid": "a", "new": "b", "ctd": "c"}
SLOW = """\
FROM base:1
COPY src.txt /src
RUN echo {salt}; sleep 6.01
"""


class AppCore(Core):
    """A core that has what `drive` needs besides."""

    def __init__(self, settings: Settings, store: Store, cluster: Cluster | None = None) -> None:
        super().__init__(settings, store, elsewhere=connect(cluster.address) if cluster else None)
        self.document: Any = self
        self.started_at = time.time()


def settings_of(lab: Lab) -> Settings:
    """The lab's four hosts, each of a zone that only some worker reaches."""
    settings = hosts_toml.load(lab.hosts_toml)
    hosts = (host for host in settings.hosts if host.name in ZONE_OF)
    return msgspec.structs.replace(
        settings,
        hosts=tuple(msgspec.structs.replace(h, dask_worker=ZONE_OF[h.name]) for h in hosts),
    )


def building(host: Host) -> bool:
    return any("sleep 6.01" in p.cmdline for p in host.processes() if p.kind == "step")


def steps_run(host: Host, since: float) -> int:
    """How many containers were made for steps since then: the engine's own record."""
    told = host.docker(
        "events", f"--since={since:.3f}", f"--until={time.time():.3f}",
        "--filter=type=container", "--filter=event=create", "--format={{.ID}}",
    )  # fmt: skip
    return len(told.stdout.split())


@pytest.mark.takes_turns
@pytest.mark.fault("worker-lost")
def test_a_killed_worker_builds_nothing_twice_and_loses_nothing(
    lab: Lab, database: DatabaseAddress, tmp_path: Path
) -> None:
    salt = str(random.random())
    build = folder(tmp_path / "slow", SLOW.format(salt=salt))
    settings, store = settings_of(lab), Store(database)
    before = {name: State.of(lab[name]) for name in ZONE_OF}
    since = time.time()
    workers = {name: ("--resources", f"{name}=2") for name in "abc"}
    with dask_cluster(tmp_path, workers) as cluster:
        core = AppCore(settings, store, cluster)
        going = prepare(core, build, scenarios=("legacy-cold",))

        async def story(d: Driver) -> None:
            show_started(d.app, going)
            await d.until(lambda: building(lab["new"]), "the build on new")
            await d.until(lambda: re.search(r"▸ \d/\d", d.line("new")), "its step on the screen")
            cluster.kill("b")
            await d.until(lambda: "✗" in d.line("new"), "its loss on the screen")
            await d.until(lambda: not d.app.session.running, "the end")
            d.app.screen.query_one(Grid).move_to_key("new", "legacy-cold")
            await d.see("that audited it is gone")
            assert sum("✓" in d.line(name) for name in ("old", "mid", "ctd")) == 3, d.text()

        drive(story, core, opened=False, size=(160, 50))  # type: ignore[arg-type]
        until_quiet(*(lab[name] for name in ZONE_OF), seconds=35)
    store.close()

    another = AppCore(settings_of(lab), Store(database))
    document = another.store.audit(going.id)
    assert document is not None
    (lost,) = [host for host in document.hosts if host.status != "ok"]
    assert (lost.name, lost.status) == ("new", "failed")
    assert "that audited it is gone" in (lost.reason or ""), lost.reason
    assert "-w @failed" in (lost.remedy or "")
    for run in document.runs:
        log = another.store.log(run.id)
        assert run.status == "ok", run.reason
        assert log is not None
        assert salt in [line.text for line in log.whole()]
        log.close()
    assert {run.host for run in document.runs} == {"old", "mid", "ctd"}
    assert {name: steps_run(lab[name], since) for name in ZONE_OF} == dict.fromkeys(ZONE_OF, 1)

    again = audit(another, build, scenarios=("legacy-cold",))
    assert {run.host: run.stored for run in again.runs} == {name: name != "new" for name in ZONE_OF}
    assert {run.status for run in again.runs} == {"ok"}
    another.store.close()
    for name in ZONE_OF:
        state = State.of(lab[name])
        assert state.docker == before[name].docker, (name, state.changes(before[name]))
