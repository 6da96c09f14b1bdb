"""An engine that ends under a build is the host's trouble, and no difference of hosts."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from cachetui.compare.align import agree
from cachetui.core import Core
from tests.audit.test_stopping_lab import asleep, until, until_quiet
from tests.audits import core_of, prepare
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import SLEEPING, folder

pytestmark = pytest.mark.lab

CASES = [
    ("old", "buildkit-cold"),
    ("mid", "legacy-cold"),
    ("new", "buildkit-cold"),
    ("ctd", "buildkit-cold"),
]


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def end_steps(host: Host) -> None:
    """What BuildKit had started goes on without its engine, and the next engine knows nothing of
    it."""
    for process in host.processes():
        if process.kind == "step":
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    until_quiet(host, seconds=10)


@pytest.mark.takes_turns
@pytest.mark.fault("engine-ends")
@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_the_host_is_in_trouble_and_not_the_build(
    lab: Lab, core: Core, tmp_path: Path, name: str, scenario: str
) -> None:
    host = lab[name]
    planned = prepare(core, folder(tmp_path / "b", SLEEPING), [name], scenarios=(scenario,))
    thread = threading.Thread(target=planned.run)
    thread.start()
    try:
        until(lambda: asleep(host), 60, "the step runs")
        host.stop_engine()
        thread.join(60)
        assert not thread.is_alive()
    finally:
        planned.stop()
        end_steps(host)
        host.start_engine()
        host.docker("container", "prune", "-f")
    document = planned.document()
    (run,) = document.runs
    assert run.status == "lost", run.reason
    assert (run.reason or "").startswith("the docker engine ended during the build")
    assert [step.status for step in run.steps if step.keyword == "RUN"][-1:] == ["lost"]
    assert not any(step.status == "failed" for step in run.steps)
    (report,) = document.hosts
    assert (report.status, report.reason) == ("failed", run.reason)
    assert agree(document).disagreements == ()
