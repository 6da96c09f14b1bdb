"""Podman that answers as docker: named, and nothing is built or left there."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from cachetui.config import hosts_toml as config
from cachetui.config.settings import HostSettings
from cachetui.core import Core
from cachetui.hosts.no_engine import PODMAN
from cachetui.store.database import Store
from tests.audit.test_stopping_lab import until
from tests.audits import audit
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.podman import DOCKER, podman_on
from tests.lab.state import State
from tests.sample_builds import PLAIN, folder

pytestmark = pytest.mark.lab


@contextmanager
def service(host: Host) -> Iterator[str]:
    """podman's own API on a socket of the host; the value of DOCKER_HOST that leads there."""
    socket = host.dir / "podman.sock"
    state = ("--root", host.dir / "podman/data", "--runroot", host.dir / "podman/run")
    argv = ("podman", *state, "system", "service", "--time=0", f"unix://{socket}")
    host.machine.spawn(argv, dict(os.environ), host.dir / "podman.log")
    try:
        until(socket.exists, 20, "podman's service listens")
        yield f"unix://{socket}"
    finally:
        host.machine.signal(signal.SIGKILL, "podman")
        until(lambda: not any(p.name == "podman" for p in host.machine.processes()), 10, "it ends")
        socket.unlink(missing_ok=True)


def core_with(lab: Lab, store: Path, name: str, **changes: object) -> Core:
    """A core in which the host of that name has these settings."""
    settings = config.load(lab.hosts_toml)

    def changed(host: HostSettings) -> HostSettings:
        return msgspec.structs.replace(host, **changes) if host.name == name else host

    hosts = tuple(changed(host) for host in settings.hosts)
    return Core(msgspec.structs.replace(settings, hosts=hosts), Store(store))


@pytest.mark.takes_turns
@pytest.mark.fault("podman")
@pytest.mark.parametrize("name", ["old", "new"])
@pytest.mark.parametrize("way", ["its command", "its socket"])
def test_podman_is_named_and_the_others_go_on(
    lab: Lab, tmp_path: Path, name: str, way: str
) -> None:
    host = lab[name]
    build = folder(tmp_path / "b", PLAIN)
    before = State.of(host)
    with podman_on(host):
        if way == "its command":
            core = core_with(lab, tmp_path / "s", name, docker=(str(DOCKER),))
            document = audit(core, build, [name, "mid"], scenarios=("legacy-cold",))
        else:
            with service(host) as address:
                core = core_with(lab, tmp_path / "s", name, env={"DOCKER_HOST": address})
                document = audit(core, build, [name, "mid"], scenarios=("legacy-cold",))
        listed = subprocess.run(
            host.machine.enter("podman", "images", "-aq"), capture_output=True, timeout=30
        )
    told = {report.name: report for report in document.hosts}
    assert told["mid"].status == "ok"
    assert told[name].status == "failed"
    expected = "the command docker is podman" if way == "its command" else "the engine behind"
    assert (told[name].reason or "").startswith(expected), told[name].reason
    assert told[name].remedy == PODMAN
    assert listed.stdout == b""
    assert State.of(host) == before
