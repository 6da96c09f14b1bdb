"""The lab itself: what the other tests rely on when they build on its hosts."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab import Lab, LabError, Process
from tests.lab.base import BASE
from tests.lab.faults import closed_port, silent_port
from tests.lab.guard import PROJECT
from tests.lab.host import Host
from tests.lab.machine import Machine
from tests.lab.packages import find_source, fresh
from tests.lab.sharing import Sharing
from tests.lab.sshd import Limits
from tests.lab.teardown import claim, leftovers, take_down

NAMES = ("old", "mid", "new", "ctd")
BACKENDS = {"legacy": "DOCKER_BUILDKIT=0", "buildkit": "DOCKER_BUILDKIT=1"}


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition comes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def over_ssh(host: Host, command: str, data: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell command on a host with the OpenSSH client."""
    return subprocess.run(
        host.ssh_argv(command),
        input=data,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def kill(process: Process) -> None:
    """Kill a process, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


@pytest.fixture(params=NAMES)
def host(request: pytest.FixtureRequest, lab: Lab) -> Host:
    """Each host of the lab in turn."""
    return lab[request.param]


@pytest.mark.lab
class TestHosts:
    """The four hosts are what they are said to be."""

    def test_there_are_four_in_order(self, lab: Lab) -> None:
        assert tuple(lab.hosts) == NAMES
        assert len({host.address for host in lab.hosts.values()}) == len(NAMES)

    def test_versions(self, lab: Lab) -> None:
        assert lab["old"].version.startswith("20.10.")
        assert lab["mid"].version.startswith("26.1.")
        assert int(lab["new"].version.split(".")[0]) >= 28
        assert lab["ctd"].version == lab["new"].version

    def test_buildx(self, lab: Lab) -> None:
        assert lab["old"].buildx_version is None
        assert (lab["mid"].buildx_version or "").startswith("0.13.")
        assert lab["new"].buildx_version == lab["ctd"].buildx_version is not None

    def test_only_one_has_the_containerd_store(self, lab: Lab) -> None:
        assert [name for name in NAMES if lab[name].containerd_store] == ["ctd"]

    def test_all_have_the_same_base(self, lab: Lab) -> None:
        layers = {tuple(lab[name].layers(BASE)) for name in NAMES}
        assert len(layers) == 1
        assert len(layers.pop()) == 1

    def test_a_base_of_its_own_drifts(self, lab: Lab) -> None:
        host = lab["mid"]
        host.import_base("drift:same")
        host.import_base("drift:other", {"etc/drift": b"other\n"})
        assert host.layers("drift:same") == host.layers(BASE)
        assert host.layers("drift:other") != host.layers(BASE)
        host.docker("rmi", "drift:same", "drift:other")

    def test_hosts_toml_and_known_hosts(self, lab: Lab) -> None:
        toml = lab.hosts_toml.read_text()
        for host in lab.hosts.values():
            assert f'name = "{host.name}"\naddress = "{host.address}"\nport = {host.port}\n' in toml
            assert f"[{host.address}]:{host.port} ssh-ed25519 " in lab.known_hosts.read_text()

    def test_the_running_lab_is_found_by_its_folder(self, lab: Lab) -> None:
        found = Lab.at(lab.folder)
        assert [(h.name, h.port) for h in found.hosts.values()] == [
            (h.name, h.port) for h in lab.hosts.values()
        ]
        with pytest.raises(LabError, match="already"):
            found.up()


@pytest.mark.lab
@pytest.mark.takes_turns
class TestLogin:
    """A login over real OpenSSH reaches the host's own engine."""

    def test_plain_docker_is_this_hosts(self, host: Host) -> None:
        asked = "docker version --format '{{.Client.Version}} {{.Server.Version}}'; docker info"
        done = over_ssh(host, f"{asked} --format '{{{{.Name}}}} {{{{.DockerRootDir}}}}'; hostname")
        assert done.returncode == 0, done.stderr
        versions, engine, name = done.stdout.splitlines()
        assert versions == f"{host.version} {host.version}"
        assert engine == f"{host.name} {host.dir}/data"
        assert name == host.name

    def test_home_and_cache_folder_are_its_own(self, host: Host) -> None:
        done = over_ssh(host, 'echo "$HOME $XDG_CACHE_HOME"')
        assert done.stdout.split() == [str(host.dir / "home"), str(host.cache_folder)]

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_builds(self, host: Host, backend: str) -> None:
        tag = f"lab-test:{uuid.uuid4().hex}"
        dockerfile = f"FROM {BASE}\nRUN echo {tag} > /made && id -u && ls /tmp\n"
        build = f"{BACKENDS[backend]} docker build --network=none --tag {tag} -"
        done = over_ssh(host, build, dockerfile)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("Step 1/2" in done.stdout) is (backend == "legacy")
        assert len(host.layers(tag)) == 2
        host.docker("rmi", tag)


@pytest.mark.lab
@pytest.mark.takes_turns
class TestProcesses:
    """What runs on a host for a build is seen, and only that."""

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_build_is_seen_until_it_ends(self, host: Host, backend: str) -> None:
        assert host.processes() == []
        dockerfile = f"FROM {BASE}\nRUN : {uuid.uuid4().hex}; sleep 300\n"
        # Its output goes nowhere: a client that prints to a closed connection ends by SIGPIPE.
        command = f"{BACKENDS[backend]} docker build --network=none - >/dev/null 2>&1"
        build = f"{command} <<'EOF'\n{dockerfile}EOF\n"
        client = subprocess.Popen(
            host.ssh_argv(build), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            assert until(lambda: any("sleep 300" in p.cmdline for p in self._of(host, "step")), 30)
            assert any("docker build" in p.cmdline for p in self._of(host, "client"))
        finally:
            client.kill()
            client.wait()
        # The facts of engines that cachetui must cope with: the build outlives its connection …
        time.sleep(1)
        assert self._of(host, "step")
        # … and ends with its client.
        for process in self._of(host, "client"):
            kill(process)
        assert until(lambda: host.processes() == [], 30), host.processes()

    def test_other_hosts_builds_are_not_seen(self, lab: Lab) -> None:
        command = subprocess.Popen(lab["old"].ssh_argv("sleep 300"))
        try:
            assert until(lambda: bool(lab["old"].processes()), 10)
            assert lab["mid"].processes() == []
        finally:
            command.kill()
            command.wait()
        for process in lab["old"].processes():
            kill(process)
        assert until(lambda: lab["old"].processes() == [], 10)

    @staticmethod
    def _of(host: Host, kind: str) -> list[Process]:
        return [process for process in host.processes() if process.kind == kind]


@pytest.mark.lab
@pytest.mark.takes_turns
class TestFaults:
    """A host can be broken in many ways, and mended."""

    def test_a_paused_sshd_says_nothing(self, lab: Lab) -> None:
        host = lab["mid"]
        host.pause_sshd()
        assert not host.sshd.answers()
        host.resume_sshd()
        assert host.sshd.answers()

    def test_a_stopped_sshd_refuses(self, lab: Lab) -> None:
        host = lab["mid"]
        host.stop_sshd()
        try:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host.address, host.port), timeout=5)
        finally:
            host.start_sshd()
        assert over_ssh(host, "true").returncode == 0

    def test_a_changed_host_key_is_noticed(self, lab: Lab) -> None:
        host = lab["mid"]
        host.stop_sshd()
        host.start_sshd(host_key=host.spare_host_key())
        done = over_ssh(host, "true")
        host.stop_sshd()
        host.start_sshd()
        assert done.returncode == 255
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr
        assert over_ssh(host, "true").returncode == 0

    def test_limits_of_sshd(self, lab: Lab) -> None:
        host = lab["mid"]
        host.stop_sshd()
        host.start_sshd(Limits(max_startups="1", max_sessions=1))
        try:
            # The place that the start's own probe took may not be free at once.
            held: list[socket.socket] = []

            def take_the_place() -> bool:
                place = socket.create_connection((host.address, host.port), timeout=5)
                try:
                    if place.recv(4) == b"SSH-":
                        held.append(place)
                except OSError:  # dropped: the place was not free
                    pass
                if place not in held:
                    place.close()
                return bool(held)

            assert until(take_the_place, 5)
            with held[0]:
                assert until(lambda: not host.sshd.answers(), 5)
            assert until(host.sshd.answers, 5)
        finally:
            host.stop_sshd()
            host.start_sshd()

    def test_an_engine_stops_and_starts(self, lab: Lab) -> None:
        host = lab["mid"]
        host.stop_engine()
        assert over_ssh(host, "docker version").returncode != 0
        host.start_engine()
        assert host.layers(BASE)
        assert host.processes() == []

    def test_a_closed_port_refuses(self) -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(closed_port(), timeout=5)

    def test_a_silent_port_connects_and_says_nothing(self) -> None:
        with (
            silent_port() as place,
            socket.create_connection(place, timeout=0.2) as client,
            pytest.raises(TimeoutError),
        ):
            client.recv(1)


@pytest.mark.lab
@pytest.mark.takes_turns
class TestLifetime:
    """A lab ends whole, and touches nothing that is not its own."""

    def test_it_ends_with_the_process_that_started_it(self, lab: Lab) -> None:
        folder = Path(f"/tmp/cachetui-lab-{os.getpid()}-guarded")
        script = (
            "import pathlib, sys, tests.lab\n"
            f"tests.lab.Lab(pathlib.Path({str(folder)!r})).up(guarded=True)\n"
            "print('up', flush=True)\n"
            "sys.stdin.read()\n"
        )
        owner = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"up\n"
            assert Lab.is_up(folder)
            assert all(other.machine.running for other in lab.hosts.values())
        finally:
            owner.kill()
            owner.communicate()
        assert until(lambda: not folder.exists() and leftovers(folder) == [], 15)
        assert all(other.machine.running for other in lab.hosts.values())

    def test_what_shared_caches_need_ends_without_the_lab(self, lab: Lab) -> None:
        with Sharing(lab) as sharing:
            second, address = sharing["ctd2"], sharing.registry.address
            assert second.machine.running
        assert not second.machine.running
        assert not second.dir.exists()
        assert all(host.machine.running for host in lab.hosts.values())
        done = lab["new"].docker("pull", f"{address}/base:1", check=False)
        assert b"refused" in done.stderr

    def test_a_half_started_lab_is_removed(self, tmp_path: Path) -> None:
        folder = tmp_path / "lab"
        claim(folder)
        (folder / "old").mkdir()
        machine = Machine("old", folder / "old")
        machine.start()
        assert machine.run("hostname").strip() == "old"
        take_down(folder)
        assert not machine.running
        assert not folder.exists()
        take_down(folder)
        machine.reap()

    def test_machines_end_even_if_their_folder_is_gone(self, tmp_path: Path) -> None:
        folder = tmp_path / "lab" / "old"
        folder.mkdir(parents=True)
        machine = Machine("old", folder)
        machine.start()
        shutil.rmtree(tmp_path / "lab")
        take_down(tmp_path / "lab")
        assert not machine.running
        machine.reap()

    def test_only_the_lab_with_the_token_is_removed(self, tmp_path: Path) -> None:
        token = claim(tmp_path / "lab")
        take_down(tmp_path / "lab", "another")
        assert (tmp_path / "lab").exists()
        take_down(tmp_path / "lab", token)
        assert not (tmp_path / "lab").exists()

    def test_a_folder_of_others_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("x")
        take_down(tmp_path)
        with pytest.raises(LabError, match="is no lab"):
            claim(tmp_path)
        assert (tmp_path / "precious").read_text() == "x"


class TestPackages:
    """The machine's apt sources are read, and a download cut short leaves no half."""

    def test_deb822(self, tmp_path: Path) -> None:
        (tmp_path / "sources.list.d").mkdir()
        (tmp_path / "sources.list.d" / "debian.sources").write_text(
            "# a comment\nTypes: deb\nURIs: http://security.example/debian-security\n"
            "Suites: bookworm-security\nComponents: main\n\n"
            "Types: deb deb-src\nURIs: http://mirror.example/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main contrib\n"
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
        )
        entry = find_source(tmp_path, "bookworm").entry("sid")
        assert "URIs: http://mirror.example/debian\nSuites: sid\n" in entry
        assert entry.endswith("BLOCK-----\n .\n abc\n")

    def test_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "sources.list").write_text(
            "deb-src http://src.example/debian bookworm main\n"
            "deb http://nodebian.example/x nodistro main\n"
            "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main # x\n"
        )
        source = find_source(tmp_path, "bookworm")
        assert (source.uri, source.signed_by) == ("http://mirror.example/debian", "/k.gpg")
        assert not source.trusted

    def test_no_source(self, tmp_path: Path) -> None:
        with pytest.raises(LabError, match="serves bookworm main"):
            find_source(tmp_path, "bookworm")

    def test_a_folder_appears_whole_or_not_at_all(self, tmp_path: Path) -> None:
        with suppress(KeyboardInterrupt), fresh(tmp_path / "tree") as partial:
            (partial / "half").touch()
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []
        with fresh(tmp_path / "tree") as partial:
            (partial / "whole").touch()
        assert [path.name for path in (tmp_path / "tree").iterdir()] == ["whole"]
