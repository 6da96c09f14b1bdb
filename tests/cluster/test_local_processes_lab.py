"""The lab's hosts audited by processes of this machine: as they were before, and as by threads."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cachetui.cluster.local_processes import LocalProcesses
from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.store.database import Store
from tests.audits import audit
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import folder

pytestmark = pytest.mark.lab

BUILD = "FROM base:1\nCOPY src.txt /src\nRUN echo {salt}\n"


@pytest.mark.takes_turns
def test_engines_are_left_as_they_were(lab: Lab, tmp_path: Path) -> None:
    build = folder(tmp_path / "build", BUILD.format(salt=random.random()))
    names = ("old", "mid", "new", "ctd")
    before = {name: State.of(lab[name]) for name in names}
    processes = LocalProcesses(2)
    core = Core(hosts_toml.load(lab.hosts_toml), Store(tmp_path / "store"), elsewhere=processes)
    document = audit(core, build, hosts=names, scenarios=("legacy-cold", "buildkit-cold"))
    processes.close()
    core.store.close()
    assert [host.status for host in document.hosts] == ["ok"] * 4, document.hosts
    assert {run.status for run in document.runs} == {"ok"}
    for name in names:
        state = State.of(lab[name])
        assert state.docker == before[name].docker, (name, state.changes(before[name]))
