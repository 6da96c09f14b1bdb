"""The demo's SSH server, reached as any host is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paramiko
import pytest

from cachetui.config import hosts_toml as config
from cachetui.config.settings import HostSettings
from cachetui.demo.fleet import Fleet, demo_fleet
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError
from cachetui.records.host import HostFacts

FAST = 1000.0


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with demo_fleet(speed=FAST) as fleet:
        yield fleet


@pytest.fixture
def connector() -> Connector:
    return Connector(ssh_config=None, system_config=None)


def hosts(fleet: Fleet) -> tuple[HostSettings, ...]:
    return config.load(fleet.hosts_toml).hosts


def test_every_host_tells_its_facts(fleet: Fleet, connector: Connector) -> None:
    for host, recording in zip(hosts(fleet), fleet.recordings, strict=True):
        machine = connector.connect(host)
        facts = ask_facts(machine, host, ("shop-base:12",))
        machine.close()
        assert (facts.engine, facts.buildx, facts.store) == (
            recording.engine,
            recording.buildx,
            recording.store,
        )
        assert facts.backends == ("legacy", "buildkit")
        assert facts.bases["shop-base:12"]
        assert facts.cores
        assert facts.free_bytes
        assert facts.df


def test_the_base_image_of_one_host_is_another(fleet: Fleet, connector: Connector) -> None:
    layers = []
    for host in hosts(fleet):
        machine = connector.connect(host)
        layers.append(ask_facts(machine, host, ("shop-base:12",)).bases["shop-base:12"])
        machine.close()
    assert layers[0] == layers[1] == layers[2] != layers[3]


def test_what_is_not_recorded_ends_with_127(fleet: Fleet, connector: Connector) -> None:
    machine = connector.connect(hosts(fleet)[0])
    done = machine.run("rm -rf /", timeout=10.0)
    assert done.status == 127
    assert "not in the recording: rm -rf /" in done.error_text
    assert done.stdout == b""
    said: list[bytes] = []
    status = machine.stream("uname -a", lambda data, _: said.append(data), timeout=10.0)
    assert (status, b"not in the recording" in b"".join(said)) == (127, True)
    machine.close()


def test_a_plain_command_line_is_answered_too(fleet: Fleet) -> None:
    """As OpenSSH's client sends it; nothing of it is run."""
    with paramiko.Transport(("127.0.0.1", fleet.server.ports[0])) as transport:
        transport.connect(username="any", pkey=fleet.server.client_key)
        channel = transport.open_session()
        channel.exec_command("echo hello")
        channel.shutdown_write()
        assert channel.recv(100) == b""
        assert channel.recv_exit_status() == 127


def test_a_strange_key_is_refused(fleet: Fleet) -> None:
    with paramiko.Transport(("127.0.0.1", fleet.server.ports[0])) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.connect(username="root", pkey=paramiko.RSAKey.generate(2048))
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password("root", "secret")


def test_a_wrong_host_key_is_refused(fleet: Fleet, connector: Connector, tmp_path: Path) -> None:
    strange = tmp_path / "known_hosts"
    strange.write_text(
        fleet.known_hosts.read_text().replace(
            fleet.server.host_key.get_base64(), paramiko.ECDSAKey.generate().get_base64()
        )
    )
    host = msgspec.structs.replace(hosts(fleet)[0], known_hosts=strange)
    with pytest.raises(HostError) as caught:
        connector.connect(host)
    assert caught.value.kind == "host-key"


def test_a_cancelled_command_stops_at_once(connector: Connector) -> None:
    with demo_fleet(speed=0.01) as slow:
        machine = connector.connect(hosts(slow)[0])
        cancel = threading.Event()
        threading.Timer(0.1, cancel.set).start()
        begun = time.monotonic()
        with pytest.raises(HostError) as caught:
            machine.run("docker image ls -aq --no-trunc", timeout=30.0, cancel=cancel)
        assert caught.value.kind == "cancelled"
        assert time.monotonic() - begun < 1.5
        machine.close()


def test_many_hosts_side_by_side(connector: Connector) -> None:
    with demo_fleet(speed=FAST, hosts=16) as many:
        chosen = hosts(many)
        assert len({host.name for host in chosen}) == 16

        def one(host: HostSettings) -> HostFacts:
            machine = connector.connect(host)
            try:
                return ask_facts(machine, host, ())
            finally:
                machine.close()

        outcomes = run_on_all(chosen, one, 16)
        assert [outcome.error for outcome in outcomes] == [None] * 16
        engines = [outcome.value.engine for outcome in outcomes if outcome.value]
        assert engines == [one.engine for one in many.recordings] * 4
        # Each is an engine of its own: names of one engine would wait for each other.
        assert len({outcome.value.same_engine for outcome in outcomes if outcome.value}) == 16


def test_nothing_is_left(connector: Connector) -> None:
    with demo_fleet(speed=FAST) as gone:
        machine = connector.connect(hosts(gone)[0])
        assert gone.server.connections() == 1
        assert gone.client_key.stat().st_mode & 0o077 == 0
    assert not gone.folder.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", gone.server.ports[0]), 1.0)
    with pytest.raises(HostError):
        machine.run("true", timeout=5.0)
    machine.close()
    assert not gone.server.running
