"""One Docker Engine: the binaries of a generation, a daemon without network setup, its client."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError, tail
from tests.lab.machine import Entry, Machine, process_table

READY_SECONDS = 60
STARTING_SECONDS = 10
STOP_SECONDS = 30
BINARIES = ("docker", "dockerd", "containerd", "containerd-shim-runc-v2", "ctr")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Generation:
    """Which engine a host has."""

    suite: str
    """The Debian suite whose packages it is made of."""
    containerd_store: bool = False
    """Whether images live in containerd's store, not in a graph driver's."""


class Engine:
    """A dockerd on a machine, with its own folder, socket and client configuration."""

    def __init__(self, machine: Machine, generation: Generation) -> None:
        self.machine = machine
        self.generation = generation
        self.folder = machine.folder
        self.bin = self.folder / "bin"
        self.config = self.folder / "cfg"
        self.home = self.folder / "home"
        self.temporary = self.folder / "tmp"
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "dockerd.log"
        self.runtime = self.folder / "exec"

    @property
    def host(self) -> str:
        """The engine's address, as DOCKER_HOST has it."""
        return f"unix://{self.socket}"

    @property
    def env(self) -> dict[str, str]:
        """What a login on this host sets, so that plain `docker` reaches this engine."""
        return {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "TMPDIR": str(self.temporary),
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(self.config),
            "PATH": f"{self.bin}:{SYSTEM_PATH}",
        }

    def lay_out(self, tree: Path, runc: Path) -> None:
        """Link the binaries of the unpacked packages `tree` into the host's own bin folder."""
        plugins = self.config / "cli-plugins"
        for folder in (self.bin, plugins, self.home / ".cache", self.temporary):
            folder.mkdir(parents=True)
        found = {path.name: path for path in tree.glob("usr/*bin/*")} | {"runc": runc}
        for name in (*BINARIES, "runc"):
            if name in found:
                (self.bin / name).symlink_to(found[name])
        for plugin in tree.glob("usr/libexec/docker/cli-plugins/docker-*"):
            (plugins / plugin.name).symlink_to(plugin)
        settings: dict[str, object] = {
            "features": {"containerd-snapshotter": self.generation.containerd_store}
        }
        if self.generation.suite == "bookworm":
            # Engine 20.10 would else write its key under /etc/docker.
            settings["deprecated-key-path"] = str(self.folder / "key.json")
        (self.folder / "daemon.json").write_text(json.dumps(settings) + "\n")

    def start(self) -> None:
        """Start the daemon and wait until it answers. Raises LabError with the end of its log."""
        options = {
            "config-file": self.folder / "daemon.json",
            "data-root": self.folder / "data",
            "exec-root": self.runtime,
            "pidfile": self.folder / "dockerd.pid",
            "host": self.host,
            "cgroup-parent": control_group(self.folder),
            "exec-opt": "native.cgroupdriver=cgroupfs",
            "bridge": "none",
            "userland-proxy": "false",
            "iptables": "false",
            "ip6tables": "false",
        }
        argv: list[str | Path] = [self.bin / "dockerd"]
        argv += [f"--{name}={value}" for name, value in options.items()]
        # The rest of the environment stays: it may say how this machine reaches the network.
        env = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
        env |= {key: self.env[key] for key in ("PATH", "HOME", "TMPDIR")}
        self.machine.spawn(argv, env, self.log)
        begun, ran = time.monotonic(), False
        while time.monotonic() < begun + READY_SECONDS:
            if self.docker("version", check=False, timeout=10).returncode == 0:
                return
            # What starts it is not called dockerd yet.
            running = self.running
            if not running and (ran or time.monotonic() > begun + STARTING_SECONDS):
                break
            ran = ran or running
            time.sleep(0.1)
        log = tail(self.log.read_text(errors="replace"))
        raise LabError(f"{self.machine.name}: the engine does not come up; its log ends:\n{log}")

    @property
    def running(self) -> bool:
        """Whether the daemon runs."""
        return self.runs_by(process_table())

    def runs_by(self, table: Mapping[int, Entry]) -> bool:
        """Whether it runs by a `process_table`."""
        inside = self.machine.everything(table)
        return any(found.name == "dockerd" for found in inside if not found.contained)

    def stop(self) -> None:
        """Stop the daemon as its administrator would, and wait for it to end."""
        self.machine.signal(signal.SIGTERM, "dockerd")
        deadline = time.monotonic() + STOP_SECONDS
        while self.running:
            if time.monotonic() > deadline:
                raise LabError(f"{self.machine.name}: the engine does not stop")
            time.sleep(0.1)

    def docker(
        self, *args: str, input: bytes | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the host's own docker client, without ssh.

        Raises LabError if it takes more than `timeout` seconds, or with `check` if it fails.
        """
        try:
            done = subprocess.run(
                [self.bin / "docker", *args],
                input=b"" if input is None else input,
                env=self.env,
                timeout=timeout,
                capture_output=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            shown = " ".join(args[:3])
            raise LabError(
                f"{self.machine.name}: `docker {shown}` took over {timeout:.0f} s"
            ) from None
        if check and done.returncode != 0:
            text = tail(done.stderr.decode(errors="replace"))
            raise LabError(f"{self.machine.name}: `docker {' '.join(args[:3])}` failed:\n{text}")
        return done


def control_group(folder: Path) -> str:
    """The parent of all control groups of the engine in `folder`."""
    return "/cachetui-lab" + str(folder).replace("/", "-")


def remove_control_groups(folder: Path) -> None:
    """Remove the empty control groups that a killed engine leaves behind."""
    root = Path("/sys/fs/cgroup")
    own = control_group(folder)
    for top in (root / own[1:], *root.glob("*" + own)):
        for group, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                os.rmdir(group)
