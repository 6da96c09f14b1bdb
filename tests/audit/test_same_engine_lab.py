"""One engine under three names in hosts.toml: built one after the other, and counted once."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cachetui.compare.align import agree
from cachetui.config import hosts_toml as config
from cachetui.core import Core
from cachetui.report.passages import passages
from cachetui.store.database import Store
from tests.audits import audit
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import PLAIN, folder

pytestmark = pytest.mark.lab


@pytest.mark.takes_turns
@pytest.mark.fault("same-engine")
def test_one_engine_under_three_names(lab: Lab, tmp_path: Path) -> None:
    tables = lab.hosts_toml.read_text().split("[[hosts]]")
    (twin,) = [table for table in tables if 'name = "ctd"' in table]
    (other,) = [table for table in tables if 'name = "new"' in table]
    names = [twin.replace('"ctd"', f'"{name}"', 1) for name in ("a", "b", "c")]
    path = tmp_path / "hosts.toml"
    path.write_text("[[hosts]]".join([tables[0], *names, other]))
    before = State.of(lab["ctd"])
    core = Core(config.load(path), Store(tmp_path / "s"))
    document = audit(core, folder(tmp_path / "b", PLAIN))
    assert all(run.status in ("ok", "unsupported") for run in document.runs)
    ran = sorted(
        (run for run in document.runs if run.host in "abc" and run.seconds),
        key=lambda run: run.started_at,
    )
    assert {run.host for run in ran} == {"a", "b", "c"}
    assert all(
        one.started_at + one.seconds <= two.started_at for one, two in itertools.pairwise(ran)
    )
    hosts = [run.host for run in ran]
    assert sum(one != two for one, two in itertools.pairwise(hosts)) == 2
    marked = {host.name: host.same_engine_as for host in document.hosts}
    assert marked == {"a": None, "b": "a", "c": "a", "new": None}
    told = {passage.heading: passage.lines for passage in passages(document)}
    assert told["One engine under several names"][0].startswith("a,b,c: built one after the other")
    differing = agree(document).disagreements
    assert not {name for one in differing for side in one.sides for name in side.hosts} & {"b", "c"}
    assert not core.findings(document).findings
    after = State.of(lab["ctd"])
    assert after.docker == before.docker
