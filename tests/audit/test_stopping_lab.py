"""A build whose connection, audit or cachetui dies is gone from its host within 5 seconds, or
within 35 where nothing tells the host."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cachetui.audit.progress import Snapshot
from cachetui.config import hosts_toml as config
from cachetui.core import Core
from cachetui.store.database import Store
from tests.audits import core_of, prepare
from tests.lab import Lab
from tests.lab.host import Host
from tests.link import Link
from tests.sample_builds import SLEEPING, folder

pytestmark = pytest.mark.lab

HOSTS = ("old", "mid", "new", "ctd")
SCENARIOS = {"legacy": "legacy-cold", "buildkit": "buildkit-cold"}


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for a condition; returns how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if condition():
            return time.monotonic() - begun
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def asleep(host: Host) -> bool:
    return any("sleep 600" in p.cmdline for p in host.processes() if p.kind == "step")


def until_quiet(*hosts: Host, seconds: float) -> None:
    """Wait until nothing of a build is left on the hosts; what is left is told."""

    def left() -> list[str]:
        return [f"{host.name}: {p.kind} {p.cmdline}" for host in hosts for p in host.processes()]

    end = time.monotonic() + seconds
    while running := left():
        assert time.monotonic() < end, f"still running after {seconds:.0f} s: {running}"
        time.sleep(0.05)


class Command:
    """`cachetui run` in a process of its own, ended whatever happens."""

    def __init__(self, lab: Lab, build: Path, store: Path, scenario: str, host: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cachetui", "run", str(build), "--network", "none"),
                *("--hosts", str(lab.hosts_toml), "--store", str(store), "-w", host),
                *("--scenarios", scenario, "--progress", "plain"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)


@pytest.mark.takes_turns
@pytest.mark.parametrize("backend", SCENARIOS)
@pytest.mark.parametrize("name", HOSTS)
class TestNothingGoesOn:
    @pytest.mark.fault("killed")
    def test_when_cachetui_is_killed(
        self, lab: Lab, tmp_path: Path, name: str, backend: str
    ) -> None:
        build = folder(tmp_path / "b", SLEEPING)
        with Command(lab, build, tmp_path / "s", SCENARIOS[backend], name) as process:
            until(lambda: asleep(lab[name]), 120, "the RUN step begins")
            os.kill(process.pid, signal.SIGKILL)
            until_quiet(lab[name], seconds=5)

    @pytest.mark.fault("interrupted")
    def test_when_it_is_interrupted(
        self, lab: Lab, tmp_path: Path, name: str, backend: str
    ) -> None:
        build = folder(tmp_path / "b", SLEEPING)
        with Command(lab, build, tmp_path / "s", SCENARIOS[backend], name) as process:
            until(lambda: asleep(lab[name]), 120, "the RUN step begins")
            process.send_signal(signal.SIGINT)
            until_quiet(lab[name], seconds=5)
            out, _ = process.communicate(timeout=10)
            assert process.returncode == 130
            assert SCENARIOS[backend].encode() in out or b"stopped" in out

    @pytest.mark.fault("connection-dies")
    def test_when_the_connection_dies(
        self, lab: Lab, core: Core, tmp_path: Path, name: str, backend: str
    ) -> None:
        host = lab[name]
        audit = prepare(core, folder(tmp_path, SLEEPING), [name], scenarios=(SCENARIOS[backend],))
        thread = threading.Thread(target=audit.run, daemon=True)
        thread.start()
        until(lambda: asleep(host), 120, "the RUN step begins")
        host.stop_sshd()
        try:
            until_quiet(host, seconds=5)
            thread.join(30)
            assert not thread.is_alive()
        finally:
            host.start_sshd()
        (run,) = audit.document().runs
        assert run.status == "lost"
        assert audit.document().hosts[0].status == "failed"


@pytest.mark.takes_turns
@pytest.mark.fault("network-gone")
def test_when_the_network_is_gone(lab: Lab, tmp_path: Path) -> None:
    """No word reaches either side: each has to notice by itself, and what cachetui says is true."""
    with Link() as link:
        for name in HOSTS:
            lab[name].stop_sshd()
            replace(lab[name].sshd, address="0.0.0.0").start()
        try:
            core = Core(
                config.load(reached_by(link.address, lab, tmp_path)), Store(tmp_path / "store")
            )
            kinds = ("buildkit-cold",)
            audit = prepare(core, folder(tmp_path / "b", SLEEPING), HOSTS, scenarios=kinds)
            finished = link.client(audit.run)
            until(lambda: all(asleep(lab[name]) for name in HOSTS), 40, "the RUN steps begin")
            link.down()
            begun = time.monotonic()
            document = finished()
            assert time.monotonic() - begun < 25
            left = 36 - (time.monotonic() - begun)
            until_quiet(*(lab[name] for name in HOSTS), seconds=left)
            for name in HOSTS:
                assert lab[name].docker("ps", "-aq").stdout == b"", name
        finally:
            for name in HOSTS:
                lab[name].stop_sshd()
                lab[name].start_sshd()
    assert [run.status for run in document.runs] == ["lost"] * 4
    for host in document.hosts:
        assert re.search(r"the host was silent for 1\d s", host.reason or ""), host.reason


def reached_by(address: str, lab: Lab, folder: Path) -> Path:
    """A hosts.toml of the lab's hosts, all at that address."""
    toml, known = lab.hosts_toml.read_text(), lab.known_hosts.read_text()
    for host in lab.hosts.values():
        toml = toml.replace(f'"{host.address}"', f'"{address}"')
        known = known.replace(f"[{host.address}]", f"[{address}]")
    there = folder / "known_hosts"
    there.write_text(known)
    path = folder / "hosts.toml"
    path.write_text(toml.replace(str(lab.known_hosts), str(there)))
    return path


@pytest.mark.takes_turns
@pytest.mark.fault("interrupted")
def test_stopping_one_host_lets_the_others_go_on(lab: Lab, core: Core, tmp_path: Path) -> None:
    names = ["old", "new"]
    audit = prepare(core, folder(tmp_path, SLEEPING), names, scenarios=("buildkit-cold",))
    seen: list[Snapshot] = []
    audit.watch(seen.append)
    thread = threading.Thread(target=audit.run, daemon=True)
    thread.start()
    until(lambda: all(asleep(lab[name]) for name in names), 30, "both begin")
    audit.stop(["old"])
    until_quiet(lab["old"], seconds=5)
    assert asleep(lab["new"])
    audit.stop()
    thread.join(10)
    assert not thread.is_alive()
    until_quiet(lab["new"], seconds=5)
    assert {run.status for run in audit.document().runs} == {"cancelled"}
    assert any(cell.state == "building" and cell.step for s in seen for cell in s.cells)
    assert audit.snapshot().finished


@pytest.mark.fault("interrupted")
def test_a_partial_audit_is_kept(lab: Lab, core: Core, tmp_path: Path) -> None:
    audit = prepare(core, folder(tmp_path, SLEEPING), ["mid"], scenarios=("legacy-cold",))
    thread = threading.Thread(target=audit.run, daemon=True)
    thread.start()
    until(lambda: asleep(lab["mid"]), 120, "the RUN step begins")
    audit.stop()
    thread.join(10)
    kept = core.store.audit(audit.id)
    assert kept is not None
    assert [run.status for run in kept.runs] == ["cancelled"]
    assert kept.hosts[0].status == "skipped"
