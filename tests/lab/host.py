"""A host of the lab as tests see it: where it listens, its engine, what runs on it, its faults."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tests.lab.base import BASE, busybox_layer, import_layer
from tests.lab.engine import Engine, remove_control_groups
from tests.lab.machine import Entry, Machine, environment, process_table
from tests.lab.sshd import SSHD_NAMES, Limits, Sshd, make_key

ENGINE_NAMES = ("dockerd", "containerd", "runc")
"""How the names of an engine's own processes begin."""


class Process(NamedTuple):
    """A process of a host that belongs to a build."""

    pid: int
    cmdline: str
    kind: Literal["step", "client"]
    """`step`: in a container of the engine; `client`: a docker client, a shell or a watcher."""


@dataclass
class Host:
    """One host: an engine and an sshd on a machine of their own."""

    name: str
    machine: Machine
    engine: Engine
    sshd: Sshd
    known_hosts: Path
    identity_file: Path
    busybox: Path

    @property
    def address(self) -> str:
        """The loopback address of its sshd."""
        return self.sshd.address

    @property
    def port(self) -> int:
        """The TCP port of its sshd."""
        return self.sshd.port

    @property
    def known_hosts_line(self) -> str:
        """The line of known_hosts with this host's key."""
        key = " ".join(self.sshd.host_key.with_suffix(".pub").read_text().split()[:2])
        return f"[{self.address}]:{self.port} {key}\n"

    @property
    def dir(self) -> Path:
        """Everything of this host."""
        return self.machine.folder

    @property
    def docker_socket(self) -> Path:
        """The engine's socket."""
        return self.engine.socket

    @property
    def cache_folder(self) -> Path:
        """The user's cache folder of this host (its XDG_CACHE_HOME)."""
        return Path(self.engine.env["XDG_CACHE_HOME"])

    @property
    def version(self) -> str:
        """The engine's version, such as `20.10.24+dfsg1`."""
        return self._ask("version", "--format", "{{.Server.Version}}")

    @property
    def buildx_version(self) -> str | None:
        """The version of buildx, such as `0.13.1+ds1`; None without buildx."""
        done = self.docker("buildx", "version", check=False)
        words = done.stdout.decode().split()
        return words[1].removeprefix("v") if done.returncode == 0 and len(words) > 1 else None

    @property
    def store(self) -> str:
        """The storage driver, such as `overlay2`, or `overlayfs` in containerd's store."""
        return self._ask("info", "--format", "{{.Driver}}")

    @property
    def containerd_store(self) -> bool:
        """Whether images live in containerd's store."""
        return "io.containerd.snapshotter" in self._ask("info", "--format", "{{.DriverStatus}}")

    def layers(self, image: str) -> list[str]:
        """The digests of an image's uncompressed layers."""
        text = self._ask("image", "inspect", "--format", "{{json .RootFS.Layers}}", image)
        return [str(digest) for digest in json.loads(text)]

    def docker(
        self, *args: str, input: bytes | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the host's own docker client, without ssh.

        Raises LabError if it takes more than `timeout` seconds, or with `check` if it fails.
        """
        return self.engine.docker(*args, input=input, check=check, timeout=timeout)

    def _ask(self, *args: str) -> str:
        return self.docker(*args).stdout.decode().strip()

    def ssh_argv(self, *command: str) -> list[str]:
        """The OpenSSH command line that runs `command` on this host, no file of the user's read."""
        return [
            *("ssh", "-F", "none", "-p", str(self.port), "-i", str(self.identity_file)),
            *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
            *("-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes"),
            *("-o", "GlobalKnownHostsFile=/dev/null", f"root@{self.address}", "--", *command),
        ]

    def processes(self, table: Mapping[int, Entry] | None = None) -> list[Process]:
        """What builds run on this host: RUN steps, docker clients, the shells around them.

        Not the engine's own processes, nor sshd's. Clients of this engine that were started
        outside the host, through its socket, are found by their DOCKER_HOST. `table` is a
        `process_table` where there is one already.
        """
        table = process_table() if table is None else table
        everything = self.machine.everything(table)
        found = [Process(item.pid, item.cmdline, "step") for item in everything if item.contained]
        seen = {item.pid for item in everything}
        engine: set[int] = set()
        for item in everything:
            if item.contained:
                continue
            # What an engine's process starts is the engine's too: runc, itself to unpack layers.
            if item.parent in engine or item.name.startswith(ENGINE_NAMES):
                engine.add(item.pid)
            elif item.name not in SSHD_NAMES:
                found.append(Process(item.pid, item.cmdline, "client"))
        for pid, item in table.items():
            if pid not in seen and environment(pid).get("DOCKER_HOST") == self.engine.host:
                found.append(Process(pid, item.cmdline, "client"))
        return found

    def start_sshd(self, limits: Limits | None = None, host_key: Path | None = None) -> None:
        """Start sshd again, if asked with other limits or another host key than it had."""
        self.sshd.start(limits, host_key)

    def stop_sshd(self) -> None:
        """Kill sshd and its connections; what they ran goes on."""
        self.sshd.stop()

    def pause_sshd(self) -> None:
        """Let sshd and its connections fall silent without closing anything."""
        self.sshd.pause()

    def resume_sshd(self) -> None:
        """Wake a paused sshd."""
        self.sshd.resume()

    def start_engine(self) -> None:
        """Start the engine again and wait until it answers."""
        self.engine.start()

    def stop_engine(self) -> None:
        """Stop the engine and wait until it ended."""
        self.engine.stop()

    def end(self) -> None:
        """End all of it, and remove its folder."""
        self.machine.stop()
        self.machine.reap()
        remove_control_groups(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)

    def power_off(self) -> None:
        """End everything on this host at once. What a machine keeps in memory is gone with it."""
        self.machine.stop()
        self.machine.reap()
        shutil.rmtree(self.engine.runtime, ignore_errors=True)
        for name in ("dockerd.pid", "docker.sock", "sshd.pid"):
            (self.dir / name).unlink(missing_ok=True)

    def power_on(self) -> None:
        """Start this host again with what its disk has, and wait until engine and sshd answer."""
        self.machine.start()
        self.engine.start()
        self.sshd.start()

    def spare_host_key(self) -> Path:
        """A host key that nobody knows, for `start_sshd(host_key=…)`: the host key has changed."""
        path = self.dir / "spare_host_key"
        if not path.exists():
            make_key(path, f"spare of {self.name}")
        return path

    def import_base(self, tag: str = BASE, extra: dict[str, bytes] | None = None) -> str:
        """Make a base image of this host's own under `tag` (base drift); the image's id.

        Without `extra` (path to bytes) only the id differs from the other hosts', with it the
        layer does too.
        """
        return import_layer(self.engine, tag, busybox_layer(self.busybox, extra))
