"""A host whose clock is far off, as its shell and `date` tell it, or as its engine does."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.store.database import Store
from tests.audit.test_stopping_lab import asleep, until, until_quiet
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


WRAPPER = """\
#!/bin/sh
# docker of an engine whose own clock is in another year, by all that it tells and is asked.
case $1 in build|buildx|version) exec docker "$@" ;; esac
for word; do
    shift
    set -- "$@" "$(printf %s "$word" | sed 's/{told}-/{year}-/g')"
done
docker "$@" >"$0.$$"
status=$?
sed 's/{year}-/{told}-/g' "$0.$$"
rm "$0.$$"
exit $status
"""


@pytest.mark.fault("host-trouble", "left-by-killed")
@pytest.mark.parametrize("off", [-1, 1])
def test_an_engine_that_dates_a_year_off(lab: Lab, tmp_path: Path, off: int) -> None:
    """As where it is in a virtual machine, or elsewhere. A clock of one process alone cannot be
    set for a program in Go, so what the engine tells is changed on its way."""
    host = lab["old"]
    wrapper = tmp_path / "docker"
    year = time.gmtime().tm_year
    wrapper.write_text(WRAPPER.format(year=year, told=year + off))
    wrapper.chmod(0o755)
    text = lab.hosts_toml.read_text()
    hosts = tmp_path / "hosts.toml"
    hosts.write_text(text.replace("\ntags = ", f'\ndocker = ["{wrapper}"]\ntags = ', 1))
    before = State.of(host)
    asleep_build = folder(tmp_path / "asleep", f"FROM base:1\nRUN echo {off}\nRUN sleep 600\n")
    words = ["run", str(asleep_build), "--network", "none", "--hosts", str(hosts), "-w", "old"]
    words += ["--store", str(tmp_path / "s"), "--scenarios", "legacy-cold"]
    with subprocess.Popen(
        [sys.executable, "-m", "cachetui", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: asleep(host), 60, "the RUN step begins")
        process.kill()
    until_quiet(host, seconds=30)
    assert State.of(host).images - before.images, "what is to be removed"
    core = Core(hosts_toml.load(hosts), Store(tmp_path / "s"))
    document = audit(core, folder(tmp_path / "b", PLAIN), ["old", "mid"], scenarios=SCENARIOS)
    for scenario in SCENARIOS:
        run = run_of(document, "old", scenario)
        assert run.status == "ok", run.reason
        assert statuses(run) == statuses(run_of(document, "mid", scenario))
    assert core.findings(document).findings == ()
    assert State.of(host).docker == before.docker
