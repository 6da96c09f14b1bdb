"""Against four real engines behind real sshds: facts, builds that are stopped, the way there."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cachetui.config.hosts_toml import load
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_records import cache_command, parse_cache
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.digest import ValueHasher
from cachetui.records.image_settings import ImageSettings
from tests.hosts.conftest import connector
from tests.hosts.sshd import until
from tests.lab import Lab
from tests.lab.engine import SYSTEM_PATH

pytestmark = pytest.mark.lab
NAMES = ("old", "mid", "new", "ctd")


def settings_of(lab: Lab, name: str) -> HostSettings:
    return next(host for host in load(lab.hosts_toml).hosts if host.name == name)


@pytest.fixture
def fleet() -> Iterator[Connector]:
    made = connector()
    yield made
    made.close()


def facts_fail(fleet: Connector, settings: HostSettings) -> HostError:
    machine = fleet.connect(settings)
    with pytest.raises(HostError) as caught:
        ask_facts(machine, settings, ())
    machine.close()
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_facts(lab: Lab, fleet: Connector, name: str) -> None:
    host, settings = lab[name], settings_of(lab, name)
    machine = fleet.connect(settings)
    hasher = ValueHasher.for_once()
    found = ask_facts(machine, settings, ["base:1", "no-such-image:1"], hasher=hasher)
    machine.close()
    assert found.base_settings == {
        "base:1": ImageSettings(env={"PATH": hasher.digest(SYSTEM_PATH)})
    }
    assert found.engine == host.version
    assert found.buildx == host.buildx_version
    assert found.store == ("containerd/" if host.containerd_store else "") + host.store
    assert found.bases == {"base:1": tuple(host.layers("base:1")), "no-such-image:1": None}
    assert found.cache_folder == f"{host.cache_folder}/cachetui"
    assert found.backends == ("legacy", "buildkit")
    assert found.missing == {}
    assert found.rawjson == (name != "old")
    assert (found.platform, found.user) == ("linux/amd64", "root")
    assert (found.free_bytes or 0) > 0
    assert (found.cores or 0) > 0
    # The containerd store can take longer than df is given.
    assert name == "ctd" or found.df["Images"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_asking_leaves_nothing(lab: Lab, fleet: Connector, name: str) -> None:
    def kept() -> tuple[list[bytes], int]:
        records = parse_cache(machine.run(cache_command("docker"), timeout=60))
        assert records is not None
        images = host.docker("image", "ls", "-aq", "--no-trunc").stdout
        return sorted(images.split()), len(records)

    host, settings = lab[name], settings_of(lab, name)
    machine = fleet.connect(settings)
    before = kept()
    ask_facts(machine, settings, ["base:1"])
    assert kept() == before
    machine.close()


def test_facts_of_all_at_once(lab: Lab, fleet: Connector) -> None:
    hosts = load(lab.hosts_toml).hosts

    def work(settings: HostSettings) -> str:
        machine = fleet.connect(settings)
        try:
            return ask_facts(machine, settings, ["base:1"], usage=False).engine_id
        finally:
            machine.close()

    outcomes = run_on_all(hosts, work, 8)
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert len({outcome.value for outcome in outcomes}) == 4


@pytest.mark.fault("unreachable")
def test_one_bad_host_stops_no_other(lab: Lab, fleet: Connector, tmp_path: Path) -> None:
    good = load(lab.hosts_toml).hosts
    (tmp_path / "known").touch()
    bad = (
        replace(good[0], name="refused", port=1),
        replace(good[0], name="unknown", known_hosts=tmp_path / "known"),
    )
    outcomes = run_on_all((*good, *bad), lambda host: fleet.connect(host).close(), 8)
    errors = {outcome.item.name: outcome.error for outcome in outcomes if outcome.error}
    assert errors.keys() == {"refused", "unknown"}
    assert isinstance(errors["unknown"], HostError)
    assert errors["unknown"].kind == "host-key"


@pytest.mark.fault("no-engine")
def test_no_docker(lab: Lab, fleet: Connector) -> None:
    settings = replace(settings_of(lab, "mid"), docker=("dokker",))
    error = facts_fail(fleet, settings)
    assert error.kind == "no-docker"
    assert error.reason == "there is no command dokker"


@pytest.mark.takes_turns
@pytest.mark.fault("no-engine")
@pytest.mark.parametrize("name", ["old", "new"])
def test_daemon_down(lab: Lab, fleet: Connector, name: str) -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    error = facts_fail(fleet, replace(settings_of(lab, name), env=env))
    assert error.kind == "daemon-down"
    assert "is not running" in error.reason
    assert "nonexistent" not in f"{error.reason} {error.remedy}"


@pytest.mark.takes_turns
@pytest.mark.fault("no-engine")
@pytest.mark.parametrize("name", ["old", "new"])
def test_permission(lab: Lab, fleet: Connector, name: str) -> None:
    # The client as a user who may not use the socket. A copy, where that user may go.
    settings = settings_of(lab, name)
    machine = fleet.connect(settings)
    copy = f"/tmp/docker-{uuid.uuid4().hex}"
    machine.run(f'cp "$(command -v docker)" {copy} && chmod 755 {copy}', timeout=60)
    words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy)
    try:
        error = facts_fail(fleet, replace(settings, docker=words))
    finally:
        machine.run(f"rm -f {copy}", timeout=60)
        machine.close()
    assert error.kind == "permission"
    assert "sudo usermod -aG docker" in error.remedy


SLEEPER = """\
FROM base:1
RUN echo began && sleep 97 && echo {mark}
"""


@pytest.mark.takes_turns
@pytest.mark.fault("interrupted")
@pytest.mark.parametrize("builder", ["0", "1"], ids=["legacy", "buildkit"])
@pytest.mark.parametrize("name", NAMES)
def test_a_cancelled_build_ends(lab: Lab, fleet: Connector, name: str, builder: str) -> None:
    mark = f"mark{uuid.uuid4().hex}"
    machine = fleet.connect(settings_of(lab, name))
    cancel = threading.Event()

    def building() -> list[str]:
        return [process.cmdline for process in lab[name].processes() if mark in process.cmdline]

    def watch() -> None:
        until(lambda: any("sleep" in line for line in building()), 60)
        cancel.set()

    threading.Thread(target=watch, daemon=True).start()
    with pytest.raises(HostError) as caught:
        build(machine, builder, mark, cancel)
    assert caught.value.kind == "cancelled"
    assert until(lambda: not building(), 5), building()
    assert machine.run("echo fine", timeout=20).text == "fine\n"
    machine.close()


def build(machine: Machine, builder: str, mark: str, cancel: threading.Event) -> None:
    """Build a Dockerfile whose step sleeps for long."""
    text = SLEEPER.format(mark=mark)
    machine.stream(
        f"printf '%s' '{text}' | DOCKER_BUILDKIT={builder} docker build --network=none -",
        lambda *_: None,
        timeout=120,
        cancel=cancel,
    )


def test_jump_from_one_host_to_another(lab: Lab, tmp_path: Path) -> None:
    included = tmp_path / "conf.d" / "lab"
    included.parent.mkdir()
    for name in NAMES[:3]:
        host = lab[name]
        with included.open("a") as file:
            file.write(
                f"Host {name}\n HostName {host.address}\n Port {host.port}\n User root\n"
                f" IdentityFile {host.identity_file}\n UserKnownHostsFile {host.known_hosts}\n"
            )
    config = tmp_path / "config"
    config.write_text("Include conf.d/*\nHost new\n ProxyJump old,mid\n")
    fleet = connector(config=config)
    settings = HostSettings(name="far", address="new")
    machine = fleet.connect(settings)
    assert ask_facts(machine, settings, ()).engine == lab["new"].version
    machine.close()
    fleet.close()
