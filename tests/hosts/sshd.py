"""A real sshd on loopback for the tests of `cachetui.hosts`: its keys, its processes, its end."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def until(what: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether `what()` became true within the time; asked 50 times a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return bool(what())


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    """Make a key pair; the private one's path."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", *options, "-f", path],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return path


def free_port(address: str) -> int:
    with socket.socket() as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


class Sshd:
    """One sshd with a folder of its own: host keys, the keys it lets in, its known_hosts file."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        kinds: tuple[str, ...] = ("ed25519",),
        passwords: bool = False,
        probe: bool = False,
        address: str = "127.0.0.1",
    ) -> None:
        if not probe:
            _need_openssh()
        self.folder = folder
        self.address = address
        self.port = free_port(self.address)
        folder.mkdir(parents=True, exist_ok=True)
        self.login_key = keygen(folder / "login")
        self.authorized = folder / "authorized_keys"
        self.authorized.write_text((folder / "login.pub").read_text())
        self.host_keys = [keygen(folder / f"host_{kind}", kind) for kind in kinds]
        self.known_hosts = folder / "known_hosts"
        self.learn()
        config = folder / "sshd_config"
        config.write_text(
            "\n".join(
                (
                    f"ListenAddress {self.address}:{self.port}",
                    *(f"HostKey {key}" for key in self.host_keys),
                    f"PidFile {folder / 'sshd.pid'}",
                    f"AuthorizedKeysFile {self.authorized}",
                    "StrictModes no",
                    "UsePAM no",
                    # A home of its own: no start-up file of the user's shell is to run.
                    f"SetEnv HOME={folder}",
                    # sshd takes the first of several values.
                    *options,
                    f"PasswordAuthentication {'yes' if passwords else 'no'}",
                    "PermitRootLogin yes",
                    "KbdInteractiveAuthentication no",
                    "",
                )
            )
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it; again, after `stop`."""
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", self.folder / "sshd_config"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if not until(self.answers):
            raise RuntimeError((self.folder / "log").read_text())

    def answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text())
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
            return True
        return False

    def learn(self) -> None:
        """Write a known_hosts file of all host keys."""
        lines = [
            f"[{self.address}]:{self.port} {Path(f'{key}.pub').read_text()}"
            for key in self.host_keys
        ]
        self.known_hosts.write_text("".join(lines))

    def settings(self, **changes: object) -> HostSettings:
        """This host in a hosts.toml."""
        values: dict[str, object] = {
            "name": "h",
            "address": self.address,
            "port": self.port,
            "user": getpass.getuser(),
            "identity_file": self.login_key,
            "known_hosts": self.known_hosts,
            "connect_timeout": 5.0,
        }
        return HostSettings(**{**values, **changes})  # type: ignore[arg-type]

    def children(self) -> list[int]:
        """The process ids of its connections and of what they run, parents before children."""
        return descendants(self._process.pid)

    def stop(self) -> None:
        """End it, and what it left behind."""
        for pid in [self._process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)


def _need_openssh() -> None:
    """Skip the test on a machine where it cannot be, never in CI."""
    reason = _unusable()
    if reason is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@functools.cache
def _unusable() -> str | None:
    """Why no sshd can be used here; asked once, by a login where it is not root's."""
    if not Path(SSHD).exists() or not (shutil.which("ssh-keygen") and shutil.which("ssh")):
        return "needs OpenSSH"
    if os.getuid() == 0:
        return None
    with tempfile.TemporaryDirectory() as folder:
        server = Sshd(Path(folder), probe=True)
        try:
            options = [f"-oUserKnownHostsFile={server.known_hosts}", "-oBatchMode=yes"]
            place = [f"-p{server.port}", f"-i{server.login_key}", server.address]
            done = subprocess.run(
                ["ssh", "-Fnone", "-oIdentitiesOnly=yes", *options, *place, "true"],
                capture_output=True,
                check=False,
                timeout=30,
            )
            log = (server.folder / "log").read_text()
        finally:
            server.stop()
    if done.returncode == 0 or "not allowed because" not in log:
        return None
    return f"sshd does not let {getpass.getuser()} in: the account is locked, or has no shell"


def descendants(root: int) -> list[int]:
    """The process ids below one, from /proc."""
    parents: dict[int, int] = {}
    for stat in _of_processes("stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _of_processes(name: str) -> list[Path]:
    """That file of each process. `Path.glob` asks whether each is there, and raises where its
    process ends meanwhile."""
    return [Path("/proc", pid, name) for pid in os.listdir("/proc") if pid.isdigit()]


def running(mark: str) -> list[int]:
    """The process ids whose command line holds `mark`; zombies have none."""
    found = []
    for place in _of_processes("cmdline"):
        with contextlib.suppress(OSError):
            words = place.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if mark in words and int(place.parent.name) != os.getpid():
                found.append(int(place.parent.name))
    return found
