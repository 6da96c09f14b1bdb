"""Hosts that cannot be reached or trusted, beside three that can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.faults import closed_port
from tests.sample_builds import PLAIN, folder

pytestmark = pytest.mark.lab


def cachetui(*words: str, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its user would."""
    return subprocess.run(
        [sys.executable, "-m", "cachetui", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **env},
    )


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """Three good hosts, one whose port is closed, one whose host key has changed."""
    text = lab.hosts_toml.read_text()
    address, port = closed_port()
    gone = f'[[hosts]]\nname = "gone"\naddress = "{address}"\nport = {port}\n'
    path = tmp_path / "hosts.toml"
    path.write_text(text + "\n" + gone)
    host = lab["ctd"]
    host.stop_sshd()
    host.start_sshd(host_key=host.spare_host_key())
    try:
        yield path
    finally:
        host.stop_sshd()
        host.start_sshd(host_key=host.dir / "host_key")


@pytest.mark.fault("unreachable")
def test_three_good_hosts_go_on(fleet: Path, tmp_path: Path) -> None:
    build = folder(tmp_path / "b", PLAIN)
    words = ["run", str(build), "--hosts", str(fleet), "--store", str(tmp_path / "s")]
    done = cachetui(*words, "--network", "none", "--format", "json", "--progress", "plain")
    assert done.returncode == 2, done.stderr
    document = json.loads(done.stdout)
    hosts = {host["name"]: host for host in document["hosts"]}
    assert [hosts[name]["status"] for name in ("old", "mid", "new")] == ["ok"] * 3
    assert hosts["gone"]["status"] == "unreachable"
    assert "refuses connections" in hosts["gone"]["reason"]
    assert hosts["ctd"]["status"] == "unreachable"
    assert "key" in hosts["ctd"]["reason"]
    assert "ssh-keygen -R" in hosts["ctd"]["remedy"]
    assert {run["host"] for run in document["runs"]} == {"old", "mid", "new"}
    assert {run["status"] for run in document["runs"]} == {"ok"}
    table = cachetui("show", "last", "--store", str(tmp_path / "s"))
    assert table.returncode == 2
    assert "ssh-keygen -R" in table.stdout


@pytest.mark.fault("no-engine")
def test_hosts_tells_them_apart(lab: Lab, tmp_path: Path) -> None:
    good = lab["new"]
    head = lab.hosts_toml.read_text().split("[[hosts]]")[0]
    table = f'[[hosts]]\nname = "%s"\naddress = "{good.address}"\nport = {good.port}\n%s\n'
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups docker"
    tables = {
        "no-client": 'docker = "/nowhere/docker"',
        "down": 'env = { DOCKER_HOST = "unix:///nowhere/docker.sock" }',
        "not-allowed": f'docker = "{nobody}"',
        "fine": "",
    }
    path = tmp_path / "hosts.toml"
    path.write_text(head + "".join(table % (name, line) for name, line in tables.items()))
    done = cachetui("hosts", "--hosts", str(path), "--format", "json")
    assert done.returncode == 2
    found = {host["name"]: host for host in json.loads(done.stdout)}
    assert found["fine"]["status"] == "ok"
    reasons = {name: found[name]["reason"] for name in tables if name != "fine"}
    assert len(set(reasons.values())) == 3, reasons
    assert all(found[name]["remedy"] for name in reasons)
    assert "may not use the docker socket" in reasons["not-allowed"]
