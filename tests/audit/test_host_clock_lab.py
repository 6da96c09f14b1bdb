"""A host whose clock is far off, as its shell and `date` tell it; the engine's own stays right."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.audits import audit, core_of, run_of, statuses
from tests.lab import Lab
from tests.lab.packages import unpacked
from tests.lab.state import State
from tests.sample_builds import PLAIN, folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

LIBRARY = "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
SCENARIOS = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")


@pytest.mark.fault("host-trouble")
@pytest.mark.parametrize("name", ["old", "new"])
@pytest.mark.parametrize("off", ["-366d", "+366d"])
def test_a_clock_a_year_off_changes_no_result(
    lab: Lab, tmp_path: Path, name: str, off: str
) -> None:
    host = lab[name]
    core, build = core_of(lab, tmp_path / "s"), folder(tmp_path / "b", PLAIN)
    before = State.of(host)
    env = {**host.sshd.env, "LD_PRELOAD": f"/{LIBRARY}", "FAKETIME": off}
    with host.machine.with_files(unpacked("bookworm", ["libfaketime"]) / "root"):
        host.stop_sshd()
        replace(host.sshd, env=env).start()
        try:
            told = subprocess.run(host.ssh_argv("date +%s"), capture_output=True, timeout=30)
            assert abs(float(told.stdout) - time.time()) > 360 * 86400
            document = audit(core, build, [name, "mid"], scenarios=SCENARIOS)
        finally:
            host.stop_sshd()
            host.start_sshd()
    assert [report.status for report in document.hosts] == ["ok", "ok"]
    for scenario in SCENARIOS:
        run = run_of(document, name, scenario)
        assert run.status == "ok", run.reason
        assert statuses(run) == statuses(run_of(document, "mid", scenario))
    after = State.of(host)
    assert after.docker == before.docker
